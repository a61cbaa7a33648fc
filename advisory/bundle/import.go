package bundle

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"plimsoll"
	"plimsoll/advisory"
)

// Store is the advisory store that a bundle is imported into.
type Store interface {
	advisory.ThreatStore
	Status(ctx context.Context) (plimsoll.AdvisoryStatus, error)
	NoteCheck(ctx context.Context, feed string, at time.Time) error
}

// SkippedOlder is the reason for skipping a feed of which the store has a newer state than
// the bundle.
const SkippedOlder = "what is stored is newer"

const maxThreats = 2_000_000

// Import replaces each feed of the store with that of the bundle, one revision per feed. The
// feed's check time becomes that in the bundle, so that its reported age is right. A feed
// that the store checked later is skipped: an old bundle never overwrites newer data.
func (b *Bundle) Import(ctx context.Context, store Store, progress func(done, total int)) (plimsoll.ImportOutcome, error) {
	sum := plimsoll.ImportOutcome{Feed: "bundle", Skipped: map[string]int{}}
	status, err := store.Status(ctx)
	if err != nil {
		return sum, err
	}
	checked := map[string]time.Time{}
	for _, f := range status.Feeds {
		checked[f.Name] = f.CheckedAt
	}
	sum.Revision = status.Revision
	for _, f := range b.Manifest.Feeds {
		if checked[f.Name].After(f.CheckedAt) {
			sum.Skipped[SkippedOlder]++
			continue
		}
		out, err := b.importFeed(ctx, store, f, progress)
		if err != nil {
			return sum, err
		}
		if err := store.NoteCheck(ctx, f.Name, f.CheckedAt); err != nil {
			return sum, err
		}
		addOutcome(&sum, out)
	}
	return sum, nil
}

func addOutcome(sum *plimsoll.ImportOutcome, out plimsoll.ImportOutcome) {
	sum.Feeds = append(sum.Feeds, out)
	sum.Revision = max(sum.Revision, out.Revision)
	sum.Records += out.Records
	sum.New += out.New
	sum.Changed += out.Changed
	sum.Unchanged += out.Unchanged
	sum.Withdrawn += out.Withdrawn
	for reason, n := range out.Skipped {
		sum.Skipped[reason] += n
	}
}

func (b *Bundle) importFeed(ctx context.Context, store Store, f Feed, progress func(done, total int)) (plimsoll.ImportOutcome, error) {
	file, err := os.Open(f.File)
	if err != nil {
		return plimsoll.ImportOutcome{}, plimsoll.Errorf(plimsoll.Internal, "bundle: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read from
	if f.Kind == KindThreats {
		threats, err := readThreats(file)
		if err != nil {
			return plimsoll.ImportOutcome{}, err
		}
		return advisory.ImportThreats(ctx, store, f.Name, f.Source, threats)
	}
	files, err := readRecords(file, file)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	return advisory.Update(ctx, advisory.NewSource(f.Source, files), store, advisory.Plan{Feed: f.Name, Progress: progress})
}

func readThreats(r io.Reader) ([]plimsoll.Threat, error) {
	var out []plimsoll.Threat
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), 4<<10)
	for lines.Scan() {
		var t plimsoll.Threat
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, errors.Join(ErrBroken, err)
		}
		if !plimsoll.IsCVE(t.CVE) || len(t.CVE) > 32 || t.EPSS < 0 || t.EPSS > 1000 {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %.80q is not a threat to a CVE", lines.Bytes())
		}
		if out = append(out, t); len(out) > maxThreats {
			return nil, plimsoll.Errorf(plimsoll.TooLarge, "bundle: more than %d threats", maxThreats)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, errors.Join(ErrBroken, err)
	}
	return out, nil
}

// readRecords finds the records in a feed's file, which it reads from r. Their contents are
// read from later, which is the same file.
func readRecords(r io.Reader, later io.ReaderAt) ([]advisory.File, error) {
	buffered := bufio.NewReaderSize(r, 1<<20)
	var files []advisory.File
	var offset int64
	var buf []byte
	for {
		var err error
		buf = buf[:0]
		for {
			part, more := buffered.ReadSlice('\n')
			buf = append(buf, part...)
			if err = more; !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
			if len(buf) > maxLine {
				return nil, plimsoll.Errorf(plimsoll.TooLarge, "bundle: a record is longer than %d bytes", maxLine)
			}
		}
		if len(buf) > 0 {
			f, err := advisory.ParseLine(buf)
			if err != nil {
				return nil, err
			}
			from := offset + f.Offset
			f.Open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(later, from, f.Size)), nil }
			if files = append(files, f); len(files) > maxRecords {
				return nil, plimsoll.Errorf(plimsoll.TooLarge, "bundle: more than %d records in a feed", maxRecords)
			}
		}
		offset += int64(len(buf))
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

const (
	maxLine    = advisory.MaxRecord + 8<<10
	maxRecords = 1_000_000
)
