package manifest

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"plimsoll"
)

type wireConfig struct {
	Created      *time.Time `json:"created"`
	OS           string     `json:"os"`
	Architecture string     `json:"architecture"`
	Variant      string     `json:"variant"`
	Config       struct {
		User         string              `json:"User"`
		Env          []string            `json:"Env"`
		Entrypoint   []string            `json:"Entrypoint"`
		Cmd          []string            `json:"Cmd"`
		WorkingDir   string              `json:"WorkingDir"`
		Labels       map[string]string   `json:"Labels"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Volumes      map[string]struct{} `json:"Volumes"`
		Healthcheck  *struct {
			Test []string `json:"Test"`
		} `json:"Healthcheck"`
	} `json:"config"`
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		Created    *time.Time `json:"created"`
		CreatedBy  string     `json:"created_by"`
		Comment    string     `json:"comment"`
		EmptyLayer bool       `json:"empty_layer"`
	} `json:"history"`
}

// ParseConfig reads an image config (OCI image specification, "Image Configuration").
func ParseConfig(raw []byte, budget plimsoll.Budget) (plimsoll.ImageConfig, error) {
	if int64(len(raw)) > budget.ConfigBytes {
		return plimsoll.ImageConfig{}, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "config of %d bytes is over the budget of %d", len(raw), budget.ConfigBytes))
	}
	var w wireConfig
	if err := json.Unmarshal(raw, &w); err != nil {
		return plimsoll.ImageConfig{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "config is not valid: %w", err))
	}
	if len(w.History) > budget.HistoryLines {
		return plimsoll.ImageConfig{}, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "config with %d history lines is over the budget of %d", len(w.History), budget.HistoryLines))
	}
	c := plimsoll.ImageConfig{
		Platform:   plimsoll.Platform{OS: w.OS, Architecture: w.Architecture, Variant: w.Variant},
		User:       w.Config.User,
		Env:        w.Config.Env,
		Entrypoint: w.Config.Entrypoint,
		Cmd:        w.Config.Cmd,
		WorkingDir: w.Config.WorkingDir,
		Labels:     w.Config.Labels,
		Ports:      sortedKeys(w.Config.ExposedPorts),
		Volumes:    sortedKeys(w.Config.Volumes),
	}
	if w.Created != nil {
		c.Created = w.Created.UTC()
	}
	if h := w.Config.Healthcheck; h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
		c.Healthcheck = true
	}
	for _, s := range w.RootFS.DiffIDs {
		d, err := plimsoll.ParseDigest(s)
		if err != nil {
			return plimsoll.ImageConfig{}, plimsoll.Fail(plimsoll.FailureDownload, err)
		}
		c.DiffIDs = append(c.DiffIDs, d)
	}
	for _, h := range w.History {
		line := plimsoll.HistoryLine{CreatedBy: h.CreatedBy, Comment: h.Comment, Empty: h.EmptyLayer}
		if h.Created != nil {
			line.Created = h.Created.UTC()
		}
		c.History = append(c.History, line)
	}
	return c, nil
}

// ReadConfig reads an image config to its end and parses it.
func ReadConfig(body io.Reader, budget plimsoll.Budget) (plimsoll.ImageConfig, error) {
	raw, err := io.ReadAll(io.LimitReader(body, budget.ConfigBytes+1))
	if err != nil {
		return plimsoll.ImageConfig{}, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	return ParseConfig(raw, budget)
}

// WithConfig joins an image with its config: platform, creation time, a diff ID and a
// history line for each layer. The config must name as many diff IDs as there are layers.
func WithConfig(a plimsoll.Artifact, c plimsoll.ImageConfig) (plimsoll.Artifact, error) {
	if len(c.DiffIDs) != len(a.Layers) {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "config names %d layers but the manifest %d", len(c.DiffIDs), len(a.Layers)))
	}
	layers := make([]plimsoll.Layer, len(a.Layers))
	var lines []string
	for _, h := range c.History {
		if !h.Empty {
			lines = append(lines, h.CreatedBy)
		}
	}
	for i, l := range a.Layers {
		l.DiffID = c.DiffIDs[i]
		if len(lines) == len(layers) {
			l.CreatedBy = lines[i]
		}
		layers[i] = l
	}
	a.Layers, a.Settings, a.Platform, a.Created = layers, &c, c.Platform, c.Created
	if a.Unscannable == "" && c.Platform.OS != "" && c.Platform.OS != "linux" {
		a.Unscannable = plimsoll.ReasonNotLinux
	}
	return a, nil
}

func sortedKeys(m map[string]struct{}) []string {
	return slices.Sorted(maps.Keys(m))
}
