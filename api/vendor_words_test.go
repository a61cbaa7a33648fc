package api

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vendorWords occur in the contract and in nothing of ours.
var vendorWords = regexp.MustCompile(`HSS\.\d{4}|APIGW\.\d{4}|error_msg|data_list|total_num|vul_id|vul_num|unsafe_setting_num|malicious_file_num|swr-repository|scan_status|handle_status|image_version|risk_level|extended_weak_password|filepath.whitelist|hw_standard|private_image|waiting_for_scan`)

// vendorFolders may use them: the client reads errors of every family, and the demo prints a request to try.
var vendorFolders = []string{"../api/hss", "../conformance", "../cmd", "../client"}

// TestVendorWordsStayInTheirPackage reads the code of the other packages.
func TestVendorWordsStayInTheirPackage(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(vendorFolders, filepath.ToSlash(path)) || strings.HasPrefix(d.Name(), ".") && path != ".."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(raw), "\n") {
			if word := vendorWords.FindString(line); word != "" {
				t.Errorf("%s:%d: %q belongs to the vendor's contract", path, i+1, word)
			}
		}
		return nil
	})
	if err != nil || read < 100 {
		t.Fatalf("%d files, %v", read, err)
	}
}
