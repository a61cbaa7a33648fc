package bundle

import (
	"archive/tar"
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/advisory"
)

// Source is the advisory store that a bundle is made from.
type Source interface {
	Status(ctx context.Context) (plimsoll.AdvisoryStatus, error)
	ThreatFeeds(ctx context.Context) ([]string, error)
	EachRecord(ctx context.Context, feed string, f func(plimsoll.FeedRecord) error) error
	Threats(ctx context.Context, feed string) (map[string]plimsoll.Threat, error)
}

// recordLine is one line of a feed of records.
type recordLine struct {
	File   string          `json:"file"`
	SHA256 string          `json:"sha256"` // of the feed's original file
	Record json.RawMessage `json:"record"`
}

// Write writes a bundle of all feeds in the store, signed with the key; a nil key gives an
// unsigned bundle. Feeds without a revision are left out; NotFound if none is left. dir is for
// temporary files; "" = the system's.
func Write(ctx context.Context, w io.Writer, src Source, key ed25519.PrivateKey, dir string, now time.Time) (Manifest, error) {
	m := Manifest{Format: manifestFormat, Version: manifestVersion, Created: now.UTC().Truncate(time.Second), Feeds: []Feed{}}
	status, err := src.Status(ctx)
	if err != nil {
		return m, err
	}
	threats, err := src.ThreatFeeds(ctx)
	if err != nil {
		return m, err
	}
	packed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return m, err
	}
	out := tar.NewWriter(packed)
	for _, f := range status.Feeds {
		if f.Revision == 0 {
			continue
		}
		feed := Feed{Name: f.Name, Kind: KindRecords, Source: f.Source, CheckedAt: f.CheckedAt, Newest: f.Newest, File: fmt.Sprintf("feeds/%d.jsonl", len(m.Feeds))}
		if slices.Contains(threats, f.Name) {
			feed.Kind = KindThreats
		}
		if err := writeFeed(ctx, out, src, &feed, dir, m.Created); err != nil {
			return m, err
		}
		m.Feeds = append(m.Feeds, feed)
	}
	if len(m.Feeds) == 0 {
		return m, plimsoll.Errorf(plimsoll.NotFound, "bundle: there are no advisories to export")
	}
	if err := writeManifest(out, m, key); err != nil {
		return m, err
	}
	return m, errors.Join(out.Close(), packed.Close())
}

func writeManifest(out *tar.Writer, m Manifest, key ed25519.PrivateKey) error {
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := writeTarHeader(out, manifestName, int64(len(raw)), m.Created); err != nil {
		return err
	}
	if _, err := out.Write(raw); err != nil || key == nil {
		return err
	}
	sig, err := signManifest(key, raw)
	if err != nil {
		return err
	}
	if err := writeTarHeader(out, sigName, int64(len(sig)), m.Created); err != nil {
		return err
	}
	_, err = out.Write(sig)
	return err
}

func writeTarHeader(out *tar.Writer, name string, size int64, at time.Time) error {
	return out.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: at, Format: tar.FormatPAX})
}

// writeFeed writes the feed to a temporary file first, because a tar header needs the size.
func writeFeed(ctx context.Context, out *tar.Writer, src Source, feed *Feed, dir string, at time.Time) error {
	f, err := os.CreateTemp(dir, "plimsoll-bundle-")
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "bundle: make a temporary file: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the system cleans its temporary files
	defer f.Close()           //nolint:errcheck // a write error shows when it is read again below
	sum := sha256.New()
	buffered := bufio.NewWriter(io.MultiWriter(f, sum))
	if feed.Kind == KindThreats {
		err = writeThreats(ctx, buffered, src, feed)
	} else {
		err = writeRecords(ctx, buffered, src, feed)
	}
	if err := errors.Join(err, buffered.Flush()); err != nil {
		return err
	}
	if feed.Size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	feed.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := writeTarHeader(out, feed.File, feed.Size, at); err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}

func writeRecords(ctx context.Context, w io.Writer, src Source, feed *Feed) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return src.EachRecord(ctx, feed.Name, func(r plimsoll.FeedRecord) error {
		record, err := advisory.Encode(r.Advisory)
		if err != nil {
			return err
		}
		feed.Records++
		return enc.Encode(recordLine{r.File, hex.EncodeToString(r.Hash[:]), record})
	})
}

func writeThreats(ctx context.Context, w io.Writer, src Source, feed *Feed) error {
	threats, err := src.Threats(ctx, feed.Name)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	list := slices.SortedFunc(maps.Values(threats), func(a, b plimsoll.Threat) int { return cmp.Compare(a.CVE, b.CVE) })
	for _, t := range list {
		feed.Records++
		if err := enc.Encode(t); err != nil {
			return err
		}
	}
	return nil
}
