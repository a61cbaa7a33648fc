package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestSealRotate(t *testing.T) {
	data := t.TempDir()
	cli(t, "", "--data", data, "key", "create", "--description", "first")
	cli(t, "", "--data", data, "key", "create", "--description", "second")
	var got struct {
		Key     string
		Secrets int
	}
	if err := json.Unmarshal([]byte(cli(t, "", "--data", data, "-o", "json", "seal", "rotate")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Key) != 16 || got.Secrets != 2 {
		t.Errorf("rotated to %+v", got)
	}
	text := cli(t, "", "--data", data, "seal", "rotate")
	if !strings.Contains(text, "sealed 2 secrets") || strings.Contains(text, got.Key) || !strings.Contains(text, filepath.Join(data, "seal.key")) {
		t.Errorf("said %s", text)
	}
	if list := cli(t, "", "--data", data, "key", "list"); !strings.Contains(list, "second") {
		t.Errorf("keys after rotating: %s", list)
	}
	var out, errs bytes.Buffer
	code := runProgram(t.Context(), []string{"--data", data, "--endpoint", "http://127.0.0.1:1", "seal", "rotate"}, strings.NewReader(""), &out, &errs)
	if code != exitError || !strings.Contains(errs.String(), "stop the server") {
		t.Errorf("through a server: exit %d, %s", code, errs.String())
	}
}
