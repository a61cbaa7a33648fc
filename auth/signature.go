package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"plimsoll"
)

const (
	signatureAlgorithm  = "SDK-HMAC-SHA256"
	headerDate          = "X-Sdk-Date"
	headerHash          = "X-Sdk-Content-Sha256"
	headerSecurityToken = "X-Security-Token"
	dateFormat          = "20060102T150405Z"
	unsignedPayload     = "UNSIGNED-PAYLOAD" // sent by clients in place of a hash for bodies that are not JSON
	maxSkew             = 15 * time.Minute
	maxAccess           = 128
	maxHeaders          = 64       // named in one signature
	maxURI              = 32 << 10 // bytes, as the vendor's gateway
	maxAuthSize         = 8 << 10  // bytes of the Authorization header
)

// Verify checks the signature of a request and returns the user of the access key. The algorithm is
// SDK-HMAC-SHA256 as in the vendor's clients. Verify uses the URL as it was sent (RequestURI), which
// a handler may have rewritten since, and counts failures by RemoteAddr.
//
// body is the whole body. nil means that it is not in memory: then the caller must compare the bytes
// that it reads with the header X-Sdk-Content-Sha256, which is required if there may be a body. In
// both cases the header may be UNSIGNED-PAYLOAD, if the client chose not to sign the body.
//
// The principal has no project yet: User.Grants contains all grants of the user, Grants is empty
// until ForProject. The caller checks that the header X-Project-Id, if any, matches the path.
//
// A signature is valid for 15 minutes before and after its date. A GET or HEAD request may be
// repeated in that time, because a proxy may retry it. Any other request is refused the second time
// (ErrReplayed), so two identical changes in the same second, which have equal signatures, count as
// one. The newest 65,536 signatures of this process are kept for that.
//
// Errors: ErrSignature, ErrReplayed, ErrDisabled, ErrLocked (more than five consecutive failures of a
// key from an address lock it for five minutes), and Unauthenticated for a signature that is missing,
// malformed, out of date or of another algorithm.
func (a *Authenticator) Verify(r *http.Request, body []byte) (plimsoll.Principal, error) {
	p, err := a.verifySignature(r.Context(), r, body)
	if err != nil {
		return plimsoll.Principal{}, err
	}
	p.Method = MethodKey
	return p, nil
}

func (a *Authenticator) verifySignature(ctx context.Context, r *http.Request, body []byte) (p plimsoll.Principal, err error) {
	s, date, err := readSignature(r)
	if err != nil {
		return p, err
	}
	if skew := a.now().Sub(date).Abs(); skew > maxSkew {
		return p, unauthenticated("the date of the signature is more than 15 minutes off").
			WithHint("compare the clock of the client with this server's")
	}
	payload, err := payloadHash(r, body)
	if err != nil {
		return p, err
	}
	canonical, err := canonicalRequest(r, s, payload)
	if err != nil {
		return p, err
	}
	attempt := attemptKey{name: s.access, source: sourceOf(r.RemoteAddr)}
	if err := a.signatures.check(attempt); err != nil {
		return p, err
	}
	key, secret, err := a.openSecret(ctx, s.access)
	if err != nil {
		return p, err
	}
	right := hmac.Equal(s.signature, computeSignature(secret, date, canonical)) && key.UserID != ""
	if right && r.Method != http.MethodGet && r.Method != http.MethodHead && !a.replays.addIfNew(s) {
		return p, ErrReplayed
	}
	if err := a.signatures.recordOutcome(attempt, right); err != nil {
		return p, err
	}
	if !right {
		return p, errSignature()
	}
	return a.keyOwner(ctx, key)
}

func errSignature() error {
	return plimsoll.Errorf(plimsoll.Unauthenticated, "%w", ErrSignature).
		WithHint("check both halves of the access key; a proxy in between must not change Host, User-Agent or the path")
}

// openSecret returns a key with its plain secret. For an unknown key both are empty, and the caller
// goes on as for a known one, so that both take the same time.
func (a *Authenticator) openSecret(ctx context.Context, access string) (key plimsoll.AccessKey, secret []byte, err error) {
	key, err = a.store.AccessKey(ctx, access)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return plimsoll.AccessKey{}, nil, nil
	}
	if err != nil {
		return plimsoll.AccessKey{}, nil, err
	}
	secret, err = a.opener.Open(key.SealedSecret, key.SealedFor())
	return key, secret, err
}

// keyOwner returns the principal of a key whose signature was verified.
func (a *Authenticator) keyOwner(ctx context.Context, key plimsoll.AccessKey) (plimsoll.Principal, error) {
	p, err := a.store.Principal(ctx, key.UserID, "")
	if err != nil {
		return plimsoll.Principal{}, replaceNotFound(err, errSignature())
	}
	if p.User.Disabled {
		return plimsoll.Principal{}, ErrDisabled
	}
	return p, nil
}

// computeSignature computes the signature of a canonical request.
func computeSignature(secret []byte, date time.Time, canonical string) []byte {
	sum := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signatureAlgorithm + "\n" + date.Format(dateFormat) + "\n" + hex.EncodeToString(sum[:])))
	return mac.Sum(nil)
}

// payloadHash returns the last line of the canonical request. A hash in the header must be that of the
// body: otherwise somebody who can change a request could replace the body and keep the signed hash.
func payloadHash(r *http.Request, body []byte) (string, error) {
	named, err := singleHeader(r.Header, headerHash)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	streamed := body == nil && r.ContentLength != 0
	switch {
	case streamed && named == "":
		return "", unauthenticated("a signed request with a streamed body needs the header " + headerHash)
	case named == "":
		return actual, nil
	case named != unsignedPayload && !streamed && named != actual:
		return "", unauthenticated("the hash of the body differs from " + headerHash)
	}
	return named, nil
}

// singleHeader returns the only value of a header; "" if it is absent.
func singleHeader(h http.Header, name string) (string, error) {
	values := h.Values(name)
	if len(values) > 1 {
		return "", unauthenticated("the header " + name + " occurs more than once")
	}
	if len(values) == 0 {
		return "", nil
	}
	return strings.TrimSpace(values[0]), nil
}

// readSignature parses the signature and date of a request, without checking them.
func readSignature(r *http.Request) (s authorizationParts, date time.Time, err error) {
	authorization, err := singleHeader(r.Header, "Authorization")
	if err != nil {
		return s, date, err
	}
	if s, err = parseAuthorization(authorization); err != nil {
		return s, date, err
	}
	if r.Header.Get(headerSecurityToken) != "" {
		return s, date, unauthenticated("temporary access keys are not supported").WithHint("sign with a permanent access key")
	}
	stamp, err := singleHeader(r.Header, headerDate)
	if err != nil {
		return s, date, err
	}
	date, err = time.Parse(dateFormat, stamp)
	if err != nil || date.Format(dateFormat) != stamp {
		return s, date, unauthenticated("the header " + headerDate + " is not a time like 20060102T150405Z")
	}
	return s, date, nil
}
