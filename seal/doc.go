// Package seal keeps secrets readable to this installation alone: registry
// credentials and the secrets of access keys lie in the database sealed, and the
// key lies in a file of its own beside it.
//
// A sealed value is
//
//	1 byte   version, 1
//	8 bytes  id of the key
//	24 bytes nonce, random
//	n bytes  ciphertext
//	16 bytes tag
//
// by XChaCha20-Poly1305 (RFC 8439 with the nonce of draft-irtf-cfrg-xchacha). The
// first nine bytes and what the caller says about the value's place are additional
// data, so that a value copied to another row does not open.
//
// The database names the key that its values are sealed with, and a key belongs to it only
// then. Rotate makes another key, seals every value again in one transaction that also
// changes that name, and only then renames files. Up to three stand side by side:
//
//	seal.key       the key
//	seal.key.next  made by a rotation that did not commit; the next rotation uses it
//	seal.key.old   the key before the last rotation: opens older backups of the database
//
// Whatever moment a rotation is cut off at, one of them is the key that the database
// names, and Open puts it in its place.
//
// Package cmd opens the key once and hands it to the rooms that need it, which
// declare the role they use (Seal, Open) themselves.
package seal
