package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// Runner has another process work on a request over a body and returns its answer. It
// tells progress now and then what the other side's counter says; an error of progress ends
// the request. It is done with body when it returns.
type Runner func(ctx context.Context, request []byte, body io.Reader, progress func(int64) error) (answer []byte, err error)

// passMessage is a PassRequest on its way to another process.
type passMessage struct {
	MediaType      string          `json:"media_type"`
	CompressedSize int64           `json:"compressed_size"`
	Budget         plimsoll.Budget `json:"budget"`
	Unpacked       int64           `json:"unpacked"` // by other layers of the image so far
	Aliases        []string        `json:"aliases,omitempty"`
}

// passOutcome opens an answer; the reports follow, each a JSON text of its own. The
// whole is compressed with zstd (RFC 8878).
type passOutcome struct {
	layer.Sums
	NeedAliases []string              `json:"need_aliases,omitempty"`
	Hashes      map[int][]hashMessage `json:"hashes,omitempty"` // by the index of their report
}

// maxReports bounds the JSON of one layer's reports, in bytes. A layer at every budget with
// ordinary names stays below it.
const maxReports = 512 << 20

// ConfinedPass is Pass in another process, for Inspector.Pass. The bytes are read here and
// analysed there, by HandlePass with the same analyzers: what comes back is held against
// the request's, and the bytes unpacked are counted for the image while they are.
func ConfinedPass(run Runner) func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
	return func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
		count := newCounter(req)
		message, err := json.Marshal(passMessage{
			MediaType: req.MediaType, CompressedSize: req.CompressedSize, Budget: req.Budget,
			Unpacked: count.base, Aliases: req.Aliases,
		})
		if err != nil {
			return PassResult{}, err
		}
		blob := &blobReader{r: r}
		answer, err := run(ctx, message, blob, count.progress)
		var result PassResult
		if err == nil {
			result, err = decodePass(answer, req.Analyzers)
		}
		if err == nil {
			err = count.progress(count.base + result.Unpacked)
		}
		if err != nil {
			count.giveBack()
			return PassResult{}, blob.explain(err)
		}
		return result, nil
	}
}

// HandlePass is the other side of ConfinedPass. It is not safe for concurrent use.
func HandlePass(set *analyze.Set) func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
	var packer *zstd.Encoder
	return func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		var m passMessage
		if err := json.Unmarshal(request, &m); err != nil {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "read the request of a pass: %w", err)
		}
		progress.Store(m.Unpacked)
		result, err := pass(ctx, body, set, PassRequest{
			MediaType: m.MediaType, CompressedSize: m.CompressedSize,
			Budget: m.Budget, Unpacked: progress, Aliases: m.Aliases,
		})
		if err != nil {
			return nil, err
		}
		if packer == nil {
			packer, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
			if err != nil {
				return nil, err
			}
		}
		return encodePass(result, packer)
	}
}

func encodePass(result PassResult, packer *zstd.Encoder) ([]byte, error) {
	var out bytes.Buffer
	packer.Reset(&out)
	text := &bounded{w: packer}
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	outcome := passOutcome{Sums: result.Sums, NeedAliases: result.NeedAliases, Hashes: map[int][]hashMessage{}}
	for i, r := range result.Reports {
		if len(r.Hashes) > 0 {
			outcome.Hashes[i] = hashMessages(r.Hashes)
		}
	}
	err := encoder.Encode(outcome)
	for i := 0; err == nil && i < len(result.Reports); i++ {
		err = encoder.Encode(result.Reports[i])
		result.Reports[i] = plimsoll.LayerReport{} // it may be large, and so may the next
	}
	if err != nil {
		return nil, err
	}
	err = packer.Close()
	return out.Bytes(), err
}

// bounded refuses more than maxReports.
type bounded struct {
	w io.Writer
	n int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.n += len(p); b.n > maxReports {
		return 0, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "the layer's reports take more than %d bytes", maxReports))
	}
	return b.w.Write(p)
}

// decodePass reads an answer of the analyzers that were asked for, and of no other.
func decodePass(answer []byte, analyzers []analyze.Analyzer) (PassResult, error) {
	unpacker, err := zstd.NewReader(bytes.NewReader(answer), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return PassResult{}, err
	}
	defer unpacker.Close()
	decoder := json.NewDecoder(io.LimitReader(unpacker, maxReports))
	nonsense := func(err error) error {
		return plimsoll.Errorf(plimsoll.Internal, "read the reports of an analysing process: %w", err)
	}
	var outcome passOutcome
	if decoder.Decode(&outcome) != nil { // the error could quote a hash
		return PassResult{}, nonsense(errors.New("no outcome comes first"))
	}
	result := PassResult{Sums: outcome.Sums, NeedAliases: outcome.NeedAliases, Reports: make([]plimsoll.LayerReport, len(analyzers))}
	for i, a := range analyzers {
		report := &result.Reports[i]
		if err := decoder.Decode(report); err != nil {
			return PassResult{}, nonsense(err)
		}
		if report.Analyzer != a.ID() || report.DiffID != result.DiffID {
			return PassResult{}, nonsense(errors.New("one is not of the analyzer and layer that were asked for"))
		}
		var ok bool
		if report.Hashes, ok = accountHashes(outcome.Hashes[i]); !ok {
			return PassResult{}, nonsense(errors.New("account hashes are over their bounds"))
		}
	}
	if decoder.More() || result.Unpacked < 0 {
		return PassResult{}, nonsense(errors.New("more than was asked for"))
	}
	return result, nil
}

// counter adds what another process unpacks to the count of the image.
type counter struct {
	image *atomic.Int64
	limit int64
	base  int64 // of the image before this pass
	added int64 // by this pass
}

func newCounter(req PassRequest) *counter {
	c := &counter{image: req.Unpacked, limit: req.Budget.ImageUnpacked}
	if c.image == nil || len(req.Aliases) > 0 {
		c.image = new(atomic.Int64) // a second read is not counted again
	}
	c.base = c.image.Load()
	return c
}

// progress takes the other process's count, which began at base.
func (c *counter) progress(n int64) error {
	step := n - c.base - c.added
	if step <= 0 {
		return nil
	}
	c.added += step
	if c.image.Add(step) > c.limit {
		return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "image of more than %d bytes: %w", c.limit, layer.ErrUnpacked))
	}
	return nil
}

// giveBack undoes what a pass counted that failed.
func (c *counter) giveBack() {
	c.image.Add(-c.added)
	c.added = 0
}

// blobReader remembers how the source of a blob failed.
type blobReader struct {
	r    io.Reader
	size int64
	err  error
}

// Read implements io.Reader.
func (b *blobReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.size += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// explain gives an error of the source the form that Pass gives it.
func (b *blobReader) explain(err error) error {
	if b.err == nil || !errors.Is(err, b.err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*plimsoll.Failure](err); ok {
		return err
	}
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, "read blob after %d bytes: %w", b.size, err))
}
