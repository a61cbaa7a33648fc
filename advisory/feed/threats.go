package feed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/klauspost/compress/gzip"

	"plimsoll"
)

// Bounds of a list of threats.
const (
	maxKEV     = 64 << 20  // bytes of JSON
	maxEPSS    = 128 << 20 // bytes of CSV, unpacked
	maxThreats = 2_000_000
)

// SkippedCVE is the reason for skipping an entry whose id is not a CVE.
const SkippedCVE = "not a CVE"

// threatList is a parsed list, with the number of skipped entries by reason.
type threatList struct {
	list    []plimsoll.Threat
	skipped map[string]int
}

// readKEV reads CISA's catalogue of known exploited vulnerabilities
// (https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json).
func readKEV(r io.Reader) (threatList, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxKEV+1))
	if err != nil {
		return threatList{}, err
	}
	if len(raw) > maxKEV {
		return threatList{}, upstreamTooLarge(maxKEV)
	}
	var catalogue struct {
		Count           *int `json:"count"`
		Vulnerabilities []struct {
			CVE        string `json:"cveID"`
			Ransomware string `json:"knownRansomwareCampaignUse"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: not a catalogue of exploited vulnerabilities: %w", err)
	}
	if n := len(catalogue.Vulnerabilities); n == 0 || catalogue.Count != nil && *catalogue.Count != n {
		return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: the catalogue has %d entries, which differs from its count or is 0", n)
	}
	out := threatList{skipped: map[string]int{}}
	for _, v := range catalogue.Vulnerabilities {
		if !plimsoll.IsCVE(v.CVE) || len(v.CVE) > maxCVE {
			out.skipped[SkippedCVE]++
			continue
		}
		out.list = append(out.list, plimsoll.Threat{CVE: v.CVE, Exploited: true, Ransomware: v.Ransomware == "Known"})
	}
	return out, nil
}

const maxCVE = 32 // bytes

// readEPSS reads scores as FIRST publishes them (https://www.first.org/epss/data_stats):
// CSV with the columns cve and epss, after a comment; gzipped or not. Scores that round to 0
// thousandths are left out, without being counted as skipped.
func readEPSS(r io.Reader) (threatList, error) {
	buffered := bufio.NewReader(r)
	plain := io.Reader(buffered)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952, 2.3.1
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: scores: %w", err)
		}
		plain = unpacked
	}
	lines := bufio.NewScanner(&boundedReader{r: plain, left: maxEPSS, limit: maxEPSS})
	lines.Buffer(make([]byte, 4<<10), 4<<10)
	out := threatList{skipped: map[string]int{}}
	header, rows := false, 0
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		switch {
		case len(line) == 0 || line[0] == '#':
		case !header:
			if header = bytes.HasPrefix(line, []byte("cve,epss")); !header {
				return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: scores do not begin with the columns cve and epss")
			}
		default:
			if rows++; rows > maxThreats {
				return threatList{}, plimsoll.Errorf(plimsoll.TooLarge, "feed: more than %d scores", maxThreats)
			}
			if err := out.addScore(line); err != nil {
				return threatList{}, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		if plimsoll.ErrorCode(err) == plimsoll.TooLarge || plimsoll.ErrorCode(err) == plimsoll.Unavailable {
			return threatList{}, err
		}
		if errors.Is(err, bufio.ErrTooLong) {
			err = errors.New("a line is longer than 4 KiB")
		}
		return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: scores: %w", err)
	}
	if rows == 0 {
		return threatList{}, plimsoll.Errorf(plimsoll.Invalid, "feed: no scores")
	}
	return out, nil
}

// addScore adds the score of one line: cve,epss,percentile.
func (t *threatList) addScore(line []byte) error {
	cve, rest, _ := bytes.Cut(line, []byte(","))
	number, _, _ := bytes.Cut(rest, []byte(","))
	p, err := strconv.ParseFloat(string(number), 64)
	if err != nil || math.IsNaN(p) || p < 0 || p > 1 {
		return plimsoll.Errorf(plimsoll.Invalid, "feed: score %.40q is not a probability", number)
	}
	switch thousandths := int(math.Round(1000 * p)); {
	case len(cve) > maxCVE || !plimsoll.IsCVE(string(cve)):
		t.skipped[SkippedCVE]++
	case thousandths > 0:
		t.list = append(t.list, plimsoll.Threat{CVE: string(cve), EPSS: thousandths})
	}
	return nil
}
