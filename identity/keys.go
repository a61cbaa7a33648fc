package identity

import (
	"context"
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

// The lengths of the id and the secret of an access key, which clients expect.
const (
	accessSize = 20
	secretSize = 40
)

// CreateKey makes an access key for a user, with a description of at most 255 characters. The
// secret cannot be read again. NotFound if there is no such user.
func (s *Service) CreateKey(ctx context.Context, userID, description string) (access, secret string, err error) {
	k, secret, err := s.createKey(ctx, userID, description)
	return k.Access, secret, err
}

func (s *Service) createKey(ctx context.Context, userID, description string) (plimsoll.AccessKey, string, error) {
	if utf8.RuneCountInString(description) > 255 || strings.ContainsFunc(description, unicode.IsControl) {
		return plimsoll.AccessKey{}, "", plimsoll.Errorf(plimsoll.Invalid, "the description of a key has at most 255 characters and no control characters")
	}
	access := rand.Text()[:accessSize] // 100 random bits in A–Z, 2–7
	secret := (rand.Text() + rand.Text())[:secretSize]
	k := plimsoll.AccessKey{Access: access, UserID: userID, Description: description, CreatedAt: s.storedNow()}
	k.SealedSecret = s.sealer.Seal([]byte(secret), k.SealedFor())
	if err := s.store.AddAccessKey(ctx, k); err != nil {
		return plimsoll.AccessKey{}, "", err
	}
	return k, secret, nil
}

// Keys lists a user's access keys, oldest first.
func (s *Service) Keys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error) {
	return s.store.AccessKeys(ctx, userID)
}

// RevokeKey removes an access key; NotFound if there is none.
func (s *Service) RevokeKey(ctx context.Context, access string) error {
	return s.store.RemoveAccessKey(ctx, access)
}
