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
// data, so that a value copied to another row does not open. A value names its key,
// so that one day two keys can stand side by side while values move from the old to the new.
//
// Package cmd loads the key once and hands it to the rooms that need it, which
// declare the role they use (Seal, Open) themselves.
package seal
