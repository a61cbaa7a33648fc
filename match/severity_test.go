package match

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"plimsoll"
)

// TestSeverityPage compares docs/severity.md with the code, row by row.
func TestSeverityPage(t *testing.T) {
	page, err := os.ReadFile("../docs/severity.md")
	if err != nil {
		t.Fatal(err)
	}
	words, scores := 0, 0
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
		case len(cells) == 2 && strings.HasPrefix(cells[0], "`"):
			words++
			checkWord(t, strings.Trim(cells[0], "`"), cells[1])
		case len(cells) == 3 && strings.HasPrefix(cells[0], "v"):
			scores++
			checkScore(t, cells[0], cells[1], plimsoll.Severity(cells[2]))
		}
	}
	if words != 14 || scores != 7 {
		t.Errorf("the page has %d words and %d scores", words, scores)
	}
}

func checkWord(t *testing.T, word, says string) {
	t.Helper()
	want := plimsoll.Severity(says)
	if says == "no rating" {
		want = plimsoll.SeverityUnknown
	}
	for _, w := range []string{word, strings.ToUpper(word)} {
		if got := parseVendorWord(w); got != want {
			t.Errorf("%s is %s, the page says %s", w, got, says)
		}
	}
}

func checkScore(t *testing.T, versions, from string, want plimsoll.Severity) {
	t.Helper()
	floor, err := strconv.ParseFloat(from, 64)
	if err != nil {
		t.Fatal(err)
	}
	for version := range strings.SplitSeq(versions, ", ") {
		kind := "CVSS_" + strings.ToUpper(version)
		if got := scoreLevel(kind, floor); got != want {
			t.Errorf("%s %s is %s, the page says %s", kind, from, got, want)
		}
		if below := scoreLevel(kind, floor-0.1); floor > 0 && below == want {
			t.Errorf("%s below %s is %s as well", kind, from, below)
		}
	}
}

const (
	vector4  = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N" // 9.3
	vector31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"                    // 9.8
	vector30 = "CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H"                    // 5.5
	vector2  = "AV:N/AC:L/Au:N/C:P/I:P/A:P"                                      // 7.5
)

func TestSeverityOrder(t *testing.T) {
	type ratings = []plimsoll.Rating
	v4, v31 := plimsoll.Rating{Type: "CVSS_V4", Value: vector4}, plimsoll.Rating{Type: "CVSS_V3", Value: vector31}
	v30, v2 := plimsoll.Rating{Type: "CVSS_V3", Value: vector30}, plimsoll.Rating{Type: "CVSS_V2", Value: vector2}
	low, medium := plimsoll.Rating{Type: "vendor", Value: "Low"}, plimsoll.Rating{Type: "Ubuntu", Value: "medium"}
	for _, c := range []struct {
		name                    string
		record, package_, other ratings
		want                    plimsoll.Severity
		score                   float64
	}{
		{"nothing", nil, nil, nil, plimsoll.SeverityUnknown, 0},
		{"the vendor before CVSS", ratings{v31, low}, nil, nil, plimsoll.SeverityLow, 9.8},
		{"the package before the record", ratings{low}, ratings{medium}, nil, plimsoll.SeverityMedium, 0},
		{"no vendor's word on the package", ratings{medium}, ratings{{Type: "vendor", Value: "not yet assigned"}}, nil, plimsoll.SeverityMedium, 0},
		{"v4 before v3", ratings{v31, v4, v2}, nil, nil, plimsoll.SeverityCritical, 9.3},
		{"v3 before v2", ratings{v2, v30}, nil, nil, plimsoll.SeverityMedium, 5.5},
		{"v2 alone", ratings{v2}, nil, nil, plimsoll.SeverityHigh, 7.5},
		{"the highest of one version", ratings{v30}, ratings{v31}, nil, plimsoll.SeverityCritical, 9.8},
		{"own before others", ratings{v30}, nil, ratings{v4}, plimsoll.SeverityMedium, 5.5},
		{"others", nil, nil, ratings{v2, v30}, plimsoll.SeverityMedium, 5.5},
		{"others with a vendor's word", ratings{low}, nil, ratings{v31}, plimsoll.SeverityLow, 9.8},
		{"a vector that is none", ratings{{Type: "CVSS_V3", Value: "CVSS:3.1/AV:N"}, {Type: "CVSS_V4", Value: "x"}}, nil, ratings{v2}, plimsoll.SeverityHigh, 7.5},
	} {
		hits := []advisoryHit{{affectedEntry: affectedEntry{&plimsoll.Advisory{Ratings: c.record}, &plimsoll.Affected{Ratings: c.package_}}}}
		if got, score := rateHits(hits, c.other); got != c.want || score != c.score {
			t.Errorf("%s: %s %v, want %s %v", c.name, got, score, c.want, c.score)
		}
	}
}

// TestWorstVendor: of several advisories the worst word counts.
func TestWorstVendor(t *testing.T) {
	var hits []advisoryHit
	for _, word := range []string{"low", "critical", "medium", "unknown"} {
		hits = append(hits, advisoryHit{affectedEntry: affectedEntry{&plimsoll.Advisory{Ratings: []plimsoll.Rating{{Type: "vendor", Value: word}}}, &plimsoll.Affected{}}})
	}
	if got, _ := rateHits(hits, nil); got != plimsoll.SeverityCritical {
		t.Errorf("got %s", got)
	}
}

func FuzzVectors(f *testing.F) {
	for _, v := range []string{vector4, vector31, vector30, vector2, "", "CVSS:3.1/"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, kind := range []string{"CVSS_V4", "CVSS_V3", "CVSS_V2"} {
			if s, ok := baseScore(plimsoll.Rating{Type: kind, Value: value}); ok && (s < 0 || s > 10) {
				t.Errorf("%s %q: %v", kind, value, s)
			}
		}
	})
}
