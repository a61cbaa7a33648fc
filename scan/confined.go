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

// Runner sends a request and a body to another process and returns its answer. It calls
// progress at intervals with the value of the other process's counter; an error of progress
// ends the request. It does not use body after it returns.
type Runner func(ctx context.Context, request []byte, body io.Reader, progress func(int64) error) (answer []byte, err error)

// passMessage is a PassRequest as another process receives it.
type passMessage struct {
	MediaType      string          `json:"media_type"`
	CompressedSize int64           `json:"compressed_size"`
	Budget         plimsoll.Budget `json:"budget"`
	Unpacked       int64           `json:"unpacked"` // bytes of other layers of the image so far
	Aliases        []string        `json:"aliases,omitempty"`
}

// passOutcome is the beginning of an answer. The reports follow, one JSON text each. The answer
// is compressed with zstd (RFC 8878).
type passOutcome struct {
	layer.Sums
	NeedAliases []string              `json:"need_aliases,omitempty"`
	Hashes      map[int][]hashMessage `json:"hashes,omitempty"` // by index of the report
}

// maxReports bounds the JSON of one layer's reports, in bytes. A layer that uses up every budget
// and has ordinary names stays below it.
const maxReports = 512 << 20

// ConfinedPass is Pass in another process, for Inspector.Pass. This process reads the bytes, the
// other one analyses them by HandlePass with the same analyzers. The answer must have a report of
// each analyzer of the request. Unpacked bytes are counted for the image during the pass.
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
			count.undo()
			return PassResult{}, blob.explain(err)
		}
		return result, nil
	}
}

// HandlePass returns the handler of ConfinedPass's requests. It is not safe for concurrent use.
func HandlePass(set *analyze.Set) func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
	var packer *zstd.Encoder
	return func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		var m passMessage
		if err := json.Unmarshal(request, &m); err != nil {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "read the request of a pass: %w", err)
		}
		progress.Store(m.Unpacked)
		result, err := passLayer(ctx, body, set, PassRequest{
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
	text := &boundedWriter{w: packer}
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
		result.Reports[i] = plimsoll.LayerReport{} // reports may be large: free one before the next
	}
	if err != nil {
		return nil, err
	}
	err = packer.Close()
	return out.Bytes(), err
}

// boundedWriter refuses more than maxReports bytes.
type boundedWriter struct {
	w io.Writer
	n int
}

// Write implements io.Writer.
func (b *boundedWriter) Write(p []byte) (int, error) {
	if b.n += len(p); b.n > maxReports {
		return 0, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "the layer's reports take more than %d bytes", maxReports))
	}
	return b.w.Write(p)
}

// decodePass reads an answer. It refuses reports of other analyzers than those of the request.
func decodePass(answer []byte, analyzers []analyze.Analyzer) (PassResult, error) {
	unpacker, err := zstd.NewReader(bytes.NewReader(answer), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return PassResult{}, err
	}
	defer unpacker.Close()
	decoder := json.NewDecoder(io.LimitReader(unpacker, maxReports))
	malformed := func(err error) error {
		return plimsoll.Errorf(plimsoll.Internal, "read the reports of an analysing process: %w", err)
	}
	var outcome passOutcome
	if decoder.Decode(&outcome) != nil { // the error could quote a hash
		return PassResult{}, malformed(errors.New("no outcome comes first"))
	}
	result := PassResult{Sums: outcome.Sums, NeedAliases: outcome.NeedAliases, Reports: make([]plimsoll.LayerReport, len(analyzers))}
	for i, a := range analyzers {
		report := &result.Reports[i]
		if err := decoder.Decode(report); err != nil {
			return PassResult{}, malformed(err)
		}
		if report.Analyzer != a.ID() || report.DiffID != result.DiffID {
			return PassResult{}, malformed(errors.New("one is not of the analyzer and layer that were asked for"))
		}
		var ok bool
		if report.Hashes, ok = accountHashes(outcome.Hashes[i]); !ok {
			return PassResult{}, malformed(errors.New("account hashes are over their bounds"))
		}
	}
	if decoder.More() || result.Unpacked < 0 {
		return PassResult{}, malformed(errors.New("more than was asked for"))
	}
	return result, nil
}

// counter adds the bytes that another process unpacks to the count of the image.
type counter struct {
	image *atomic.Int64
	limit int64
	base  int64 // bytes of the image before this pass
	added int64 // bytes of this pass
}

func newCounter(req PassRequest) *counter {
	c := &counter{image: req.Unpacked, limit: req.Budget.ImageUnpacked}
	if c.image == nil || len(req.Aliases) > 0 {
		c.image = new(atomic.Int64) // a second read is not counted again
	}
	c.base = c.image.Load()
	return c
}

// progress receives the other process's count, which starts at base.
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

// undo subtracts what a failed pass added.
func (c *counter) undo() {
	c.image.Add(-c.added)
	c.added = 0
}

// blobReader keeps the error of a blob's source.
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

// explain adds the failure code that Pass adds to an error of the source.
func (b *blobReader) explain(err error) error {
	if b.err == nil || !errors.Is(err, b.err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*plimsoll.Failure](err); ok {
		return err
	}
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, "read blob after %d bytes: %w", b.size, err))
}
