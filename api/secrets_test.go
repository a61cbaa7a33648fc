package api

import (
	"strconv"
	"strings"
	"testing"

	"plimsoll"
)

// TestSecrets holds both families over the real store: lists, decisions, paths, tenants.
func TestSecrets(t *testing.T) {
	h := newRealServer(t, "reader", "editor", "boss", "other")
	h.stock()
	reader, editor, boss, other := h.signIn("reader", h.project.ID), h.signIn("editor", h.project.ID), h.signIn("boss", h.project.ID), h.signIn("other", h.second.ID)
	v5 := "/v5/" + h.project.ID + "/image/"
	of, all := v5+digestA.Hex()+"/sensitive?image_type=private_image", v5+"sensitive-information"
	list := h.get(reader, of, 200)
	got := rows(list)
	if list["total_num"] != 2.0 || got[0]["file_path"] != "/srv/.env" || got[0]["position"] != string(digestC) || got[0]["content"] != "tok_****" ||
		got[0]["name"] != "token" || got[0]["description"] != "A token" || got[0]["severity"] != "high" || got[0]["handle_status"] != "unhandled" ||
		got[0]["latest_scan_time"] != float64(testNow().UnixMilli()) || got[1]["file_path"] != "image-config://env/KEY" || got[1]["description"] != "key" {
		t.Fatalf("list %v", list)
	}
	id := got[0]["sensitive_info_id"].(string)
	for query, want := range map[string]float64{
		of + "&severity=high": 1, of + "&severity=critical": 0, of + "&handle_status=handled": 0, of + "&file_path=srv/.env": 1, of + "&file_path=/srv/.env": 1,
		of + "&file_path=srv": 0, of + "&offset=5": 2, of + "&namespace=team&image_name=app&image_version=1.0": 2, all: 2, all + "?image_type=cicd": 0, all + "?offset=1&limit=1": 2,
	} {
		if page := h.get(reader, query, 200); page["total_num"] != want {
			t.Errorf("%s: %v", query, page)
		}
	}
	h.get(reader, v5+digestA.Hex()+"/sensitive", 400)
	h.get(reader, v5+strings.Repeat("e", 64)+"/sensitive?image_type=private_image", 400)
	h.get(reader, of+"&severity=Low", 400)

	operate := v5 + "sensitive/operate?image_type=private_image"
	h.call("POST", reader, operate, `{"sensitive_info_id":"`+id+`","operate_type":"ignore"}`, 400)
	h.call("POST", editor, operate, `{"sensitive_info_id":"unknown","operate_type":"ignore"}`, 400)
	h.call("POST", other, "/v5/"+h.second.ID+"/image/sensitive/operate?image_type=private_image", `{"sensitive_info_id":"`+id+`","operate_type":"ignore"}`, 400)
	h.call("POST", editor, operate, `{"sensitive_info_id":"`+id+`","operate_type":"ignore"}`, 200)
	if row := rows(h.get(reader, of+"&handle_status=handled", 200)); len(row) != 1 || row[0]["operate_accept"] != "ignore" || row[0]["sensitive_info_id"] != id {
		t.Errorf("ignored: %v", row)
	}
	images := rows(h.get(reader, v5+"swr-repository?image_type=private_image&image_version=1.0", 200))
	mine := "/api/v1/images/" + text(images[0]["id"]) + "/secrets"
	if page := h.get(reader, mine, 200); page["total"] != 2.0 || page["left_out"] != 1.0 || page["items"].([]any)[0].(map[string]any)["ignored_by"] != "editor" {
		t.Errorf("ours: %v", page)
	}
	if page := h.get(reader, mine+"?profile=hss", 200); page["total"] != 2.0 || page["left_out"] != 1.0 {
		t.Errorf("ours, hss: %v", page)
	}
	whole := h.get(reader, mine+"?profile=all", 200)
	if last := whole["items"].([]any)[1].(map[string]any); whole["total"] != 3.0 || whole["left_out"] != 0.0 || last["owned"] != "package" || last["size"] != 9.0 {
		t.Errorf("ours, all: %v", whole)
	}
	h.call("POST", editor, operate, `{"sensitive_info_id":"`+id+`"}`, 200) // do_not_ignore is the default
	if page := h.get(reader, of+"&handle_status=unhandled", 200); page["total_num"] != 2.0 {
		t.Errorf("not ignored any more: %v", page)
	}

	paths := v5 + "sensitive/filepath-whitelist"
	h.call("POST", editor, paths, `{"customized_path":["/srv/*"]}`, 400)
	h.call("POST", boss, paths, `{"customized_path":["/*"]}`, 400)
	h.call("POST", boss, paths, `{"customized_path":["/srv/*"]}`, 200)
	shown := h.get(reader, v5+"sensitive/filepath_whitelist", 200)
	if custom := shown["customized_path"].([]any); len(custom) != 1 || custom[0] != "/srv/*" || len(shown["default_path"].([]any)) != 11 {
		t.Errorf("paths %v", shown)
	}
	if found := h.get(reader, paths+"?file_path=LIB", 200); len(found["default_path"].([]any)) != 3 || len(found["customized_path"].([]any)) != 0 {
		t.Errorf("paths by part %v", found)
	}
	for query, want := range map[string]float64{of: 1, all: 1} {
		if page := h.get(reader, query, 200); page["total_num"] != want {
			t.Errorf("%s with paths: %v", query, page)
		}
	}
	for query, want := range map[string]float64{mine: 1, mine + "?profile=all": 3} {
		if page := h.get(reader, query, 200); page["total"] != want {
			t.Errorf("%s with paths: %v", query, page)
		}
	}
	if page := h.get(other, "/v5/"+h.second.ID+"/image/sensitive-information?enterprise_project_id=all_granted_eps", 200); page["total_num"] != 0.0 {
		t.Errorf("another tenant: %v", page)
	}
	h.get(other, of, 403)
}

// TestMalwareIsAsLongAsItsCount: one row a visible path, whatever matched there.
func TestMalwareIsAsLongAsItsCount(t *testing.T) {
	h := newRealServer(t, "reader")
	h.stock()
	reader := h.signIn("reader", h.project.ID)
	_, err := h.store.SaveScan(t.Context(), plimsoll.ScanRecord{
		Tenant: plimsoll.Tenant{ProjectID: h.project.ID, EnterpriseProject: "0"}, Digest: digestB, ScannedAt: testNow(), Matcher: "m1",
		Malware: []plimsoll.Malware{
			{Path: "b.zip!/c", Kind: plimsoll.MalwareMatch, Rule: "one", Size: 7}, {Path: "b.zip!/c", Kind: plimsoll.MalwareMatch, Rule: "two", Size: 7},
			{Path: "a", Kind: plimsoll.MalwareMatch, Rule: "one", Size: 3 << 30}, {Path: "app/p", Kind: plimsoll.MalwareMatch, Rule: "one"}, {Path: "d", Kind: plimsoll.MalwareNotLooked, Rule: "encrypted"},
			{Path: "e", Kind: plimsoll.MalwareMatch, Rule: "one", Shadowed: true},
		},
	})
	must(t, err)
	v5 := "/v5/" + h.project.ID + "/image/"
	for _, img := range rows(h.get(reader, v5+"swr-repository?image_type=private_image", 200)) {
		list := h.get(reader, v5+text(img["id"])+"/malwares?image_type=private_image", 200)
		if list["total_num"] != img["malicious_file_num"] || float64(len(rows(list))) != list["total_num"] {
			t.Errorf("count %v, list %v", img["malicious_file_num"], list)
		}
	}
	got := rows(h.get(reader, v5+digestB.Hex()+"/malwares?image_type=private_image", 200))
	if got[0]["file_path"] != "/a" || got[0]["size"] != 2147483647.0 || got[2]["file_name"] != "c" || got[2]["file_path"] != "/b.zip!/c" || got[2]["description"] != "one, two" {
		t.Errorf("rows %v", got)
	}
	for query, want := range map[string]float64{
		"malwares?image_type=registry": 4, "malwares?image_type=cicd": 0, "malwares?image_type=registry&file_name=C": 1,
		"malwares?image_type=registry&offset=1": 4, digestB.Hex() + "/malwares?image_type=private_image&file_name=zip": 0,
	} {
		if page := h.get(reader, v5+query, 200); page["total_num"] != want {
			t.Errorf("%s: %v", query, page)
		}
	}
	row := rows(h.get(reader, v5+"malwares?image_type=registry&offset=3", 200))[0]
	if row["image_version"] != "1.0" || row["image_id"] != digestA.Hex() || row["image_type"] != "Other" || row["file_path"] != "/tmp/x" {
		t.Errorf("the last row of all %v", row)
	}
}

func text(id any) string { return strconv.FormatInt(int64(id.(float64)), 10) }
