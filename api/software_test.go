package api

import "testing"

// TestSoftwarePolicy: a change acts on stored images at once, for the project alone.
func TestSoftwarePolicy(t *testing.T) {
	h := newRealServer(t, "reader", "boss", "other")
	h.stock()
	reader, boss, other := h.signIn("reader", h.project.ID), h.signIn("boss", h.project.ID), h.signIn("other", h.second.ID)
	policy := "/api/v1/software-policy"
	list := "/v5/" + h.project.ID + "/image/" + digestA.Hex() + "/non-compliant-app?image_type=private_image"
	if got := h.get(reader, list, 200); got["total_num"] != 0.0 {
		t.Errorf("by default: %v", got)
	}
	h.call("PUT", reader, policy, `{"rules":[]}`, 403)
	h.call("PUT", boss, policy, `{"rules":[{"name":"x","packages":["a*b"]}]}`, 400)
	h.call("PUT", boss, policy, `{"rules":[{"name":"shells","packages":["BASH"],"reason":"none needed"}]}`, 200)
	got := h.get(reader, list, 200)
	if apps := rows(got); got["total_num"] != 1.0 || apps[0]["app_name"] != "bash" || apps[0]["app_version"] != "5.2-1" || apps[0]["app_path"] != "var/lib/dpkg/status" ||
		apps[0]["layer_digest"] != string(digestC) || apps[0]["id"] == "" {
		t.Errorf("forbidden: %v", got)
	}
	if got := h.get(reader, list+"&app_name=zsh", 200); got["total_num"] != 0.0 {
		t.Errorf("another name: %v", got)
	}
	if got := h.get(other, "/api/v1/software-policy", 200); got["total"] != 10.0 {
		t.Errorf("another project: %v", got)
	}
	h.call("PUT", boss, policy, `{"rules":null}`, 200)
	if got := h.get(reader, list, 200); got["total_num"] != 0.0 {
		t.Errorf("default again: %v", got)
	}
}
