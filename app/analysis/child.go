package analysis

import (
	"context"
	"encoding/json"
	"io"
	"sync/atomic"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware/clamd"
	"plimsoll/sandbox"
	"plimsoll/scan"
)

// ChildCommand is the command of this program that calls ServeChild.
const ChildCommand = "analyze-layer"

// describeRules is the request for the result of loading each file of rules. No request of a pass has this text.
const describeRules = "describe rules"

// ServeChild analyses layers for the parent process, which writes requests to in and reads answers from out. It
// returns when the parent closes in.
func ServeChild(in io.Reader, out io.Writer) error {
	return sandbox.Serve(in, out, setUpChild)
}

// setUpChild makes a child's analyzers. Their ids are its identity.
func setUpChild(config []byte, parent io.ReadWriter) ([]byte, sandbox.Handler, error) {
	var c all.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, nil, plimsoll.Errorf(plimsoll.Invalid, "configuration of the analyzers: %w", err)
	}
	signatures, sets, err := all.Signatures(c)
	if err != nil {
		return nil, nil, err
	}
	if c.Second {
		signatures.Second = clamd.NewRemote(parent)
	}
	analyzers, err := all.With(c, signatures)
	if err != nil {
		return nil, nil, err
	}
	identity, err := identityOf(analyzers)
	if err != nil {
		return nil, nil, err
	}
	set, err := analyze.NewSet(analyzers)
	pass := scan.HandlePass(set)
	return identity, func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		if string(request) == describeRules {
			if _, err := io.Copy(io.Discard, body); err != nil { // an answer before its end breaks the protocol
				return nil, err
			}
			return json.Marshal(sets)
		}
		return pass(ctx, request, body, progress)
	}, err
}

func identityOf(analyzers []analyze.Analyzer) ([]byte, error) {
	ids := make([]plimsoll.AnalyzerID, len(analyzers))
	for i, a := range analyzers {
		ids[i] = a.ID()
	}
	return json.Marshal(ids)
}
