// Package signatures reads published sets of YARA rules for measurements.
package signatures

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"plimsoll/analyze/malware/yara"
)

// Read returns the rule files (.yar, .yara) of a .tar.gz, a folder or a file, sorted by base name.
func Read(from string) ([]yara.Source, error) {
	var sources []yara.Source
	var err error
	if strings.HasSuffix(from, ".tar.gz") {
		sources, err = readArchive(from)
	} else {
		sources, err = readFolder(from)
	}
	slices.SortFunc(sources, func(a, b yara.Source) int { return strings.Compare(a.Name, b.Name) })
	return sources, err
}

func isRules(name string) bool {
	ext := path.Ext(name)
	return ext == ".yar" || ext == ".yara"
}

func readArchive(from string) ([]yara.Source, error) {
	raw, err := os.ReadFile(from)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var sources []yara.Source
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return sources, nil
		}
		if err != nil {
			return nil, err
		}
		if isRules(h.Name) {
			body, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			sources = append(sources, yara.Source{Name: path.Base(h.Name), Text: body})
		}
	}
}

func readFolder(from string) ([]yara.Source, error) {
	var sources []yara.Source
	err := filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRules(name) {
			return err
		}
		body, err := os.ReadFile(name)
		sources = append(sources, yara.Source{Name: filepath.Base(name), Text: body})
		return err
	})
	return sources, err
}

// First returns the shortest prefix of sources with at least wanted rules that load, all sources if there are fewer.
func First(sources []yara.Source, wanted int) ([]yara.Source, error) {
	have := 0
	for i, s := range sources {
		rules, err := yara.Compile(s)
		if err != nil {
			return nil, err
		}
		if have += rules.Len(); have >= wanted {
			return sources[:i+1], nil
		}
	}
	return sources, nil
}

// Write writes sources into the folder dir, which it makes if necessary.
func Write(dir string, sources []yara.Source) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, s := range sources {
		if err := os.WriteFile(filepath.Join(dir, s.Name), s.Text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
