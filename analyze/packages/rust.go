package packages

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"debug/pe"
	"encoding/json"
	"io"

	"plimsoll"
	"plimsoll/analyze"
)

// rustSection is the section with the crates of a program that was built with cargo-auditable, as
// zlib-compressed JSON (PARSING.md of cargo-auditable).
const rustSection = ".dep-v0"

const maxRustSection = 8 << 20 // bytes, before and after decompression; the format's own limit

// readRust reads the crates of a program, except those used only to build it.
func readRust(f analyze.File, limit int) ([]plimsoll.Package, error) {
	section, err := rustAuditSection(f)
	if section == nil || err != nil {
		return nil, err
	}
	plain, err := zlib.NewReader(bytes.NewReader(section))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "decompress section %s: %w", rustSection, err)
	}
	raw, err := io.ReadAll(io.LimitReader(plain, maxRustSection+1))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "decompress section %s: %w", rustSection, err)
	}
	if len(raw) > maxRustSection {
		return nil, tooLargeError("section %s of more than %d bytes", rustSection, maxRustSection)
	}
	var audit struct {
		Packages []struct{ Name, Version, Kind, Source string }
	}
	if err := json.Unmarshal(raw, &audit); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read section %s: %w", rustSection, err)
	}
	var list []plimsoll.Package
	for _, p := range audit.Packages {
		if p.Kind == "build" || p.Source == "local" {
			continue
		}
		list = append(list, newLanguagePackage("crates.io", "cargo", p.Name, p.Version))
	}
	return sortAndLimit(list, limit)
}

// rustAuditSection returns the content of rustSection, nil if there is none or the file is not a
// program.
func rustAuditSection(f analyze.File) ([]byte, error) {
	if program, err := elf.NewFile(f); err == nil {
		if s := program.Section(rustSection); s != nil {
			return readSection(s, s.Size)
		}
		return nil, nil
	}
	if program, err := pe.NewFile(f); err == nil {
		if s := program.Section(rustSection); s != nil {
			return readSection(s, uint64(s.Size))
		}
	}
	return nil, nil
}

func readSection(s interface{ Data() ([]byte, error) }, size uint64) ([]byte, error) {
	if size > maxRustSection {
		return nil, tooLargeError("section %s of %d bytes", rustSection, size)
	}
	data, err := s.Data()
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read section %s: %w", rustSection, err)
	}
	return data, nil
}
