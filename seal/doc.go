// Package seal encrypts secrets in the database (registry credentials, secrets of access keys,
// password hashes) so that only this installation can read them. The key is in a file beside the
// database.
//
// A sealed value is
//
//	1 byte   version, 1
//	8 bytes  id of the key
//	24 bytes nonce, random
//	n bytes  ciphertext
//	16 bytes tag
//
// encrypted with XChaCha20-Poly1305 (RFC 8439 with the nonce of draft-irtf-cfrg-xchacha). The
// additional data are the first nine bytes and the caller's name of the value's place, so that a
// value copied to another row does not open.
//
// The database stores the id of the key that its values are sealed with. Rotate makes another
// key, seals every value again in one transaction that also changes the stored id, and then
// renames the files. There are up to three:
//
//	seal.key       the key
//	seal.key.next  made by a rotation that did not commit; the next rotation uses it
//	seal.key.old   the key before the last rotation: opens older backups of the database
//
// If a rotation is interrupted, at any point, one of the files has the key with the stored id, and
// Open renames it to seal.key.
//
// Package cmd opens the key once and passes it to the packages that need it. They declare the
// interface that they use (Seal, Open).
package seal
