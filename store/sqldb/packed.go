package sqldb

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdCodec is one encoder and one decoder; their EncodeAll and DecodeAll may run at the same time.
type zstdCodec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

var openCodec = sync.OnceValues(func() (zstdCodec, error) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return zstdCodec{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0))
	return zstdCodec{enc: enc, dec: dec}, err
})

// Pack compresses JSON text with zstd (RFC 8878).
func Pack(text []byte) ([]byte, error) {
	c, err := openCodec()
	if err != nil {
		return nil, err
	}
	return c.enc.EncodeAll(text, make([]byte, 0, len(text)/4)), nil
}

// Unpack returns the JSON text that Pack was given.
func Unpack(blob []byte) ([]byte, error) {
	c, err := openCodec()
	if err != nil {
		return nil, err
	}
	text, err := c.dec.DecodeAll(blob, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack a stored value: %w", err)
	}
	return text, nil
}

// UnpackJSON decodes what Pack was given into v.
func UnpackJSON(blob []byte, v any) error {
	text, err := Unpack(blob)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decode a stored value: %w", err)
	}
	return nil
}
