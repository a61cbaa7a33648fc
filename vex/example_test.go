package vex_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/vex"
)

// A vendor's document becomes decisions about the products that are known. The rest is
// reported with the reason.
func ExampleDocument_Decisions() {
	doc, err := vex.Parse(strings.NewReader(`{
		"@context": "https://openvex.dev/ns/v0.2.0",
		"@id": "https://vendor.example/vex/1",
		"author": "Vendor",
		"timestamp": "2026-05-01T10:00:00Z",
		"version": 1,
		"statements": [{
			"vulnerability": {"name": "CVE-2026-1000"},
			"products": [{"@id": "pkg:deb/debian/zlib1g@1.2"}],
			"status": "not_affected",
			"justification": "vulnerable_code_not_in_execute_path"
		}, {
			"vulnerability": {"name": "CVE-2026-1001"},
			"products": [{"@id": "pkg:oci/web?repository_url=registry.example/team/web"}],
			"status": "fixed"
		}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	decisions, unknown := doc.Decisions(plimsoll.KnownProducts{})
	for _, d := range decisions {
		fmt.Println(d.Finding, d.Status, "in", d.Scope.Package)
	}
	for _, u := range unknown {
		fmt.Println(u.Vulnerability, "skipped:", u.Reason)
	}
	// Output:
	// CVE-2026-1000 not_affected in pkg:deb/debian/zlib1g@1.2
	// CVE-2026-1001 skipped: the repository is not known
}

func ExampleWriteOpenVEX() {
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	image := vex.ImagePURL("https://registry.example", "team/web", "", "2.0")
	err := vex.WriteOpenVEX(os.Stdout, "Team Web", at, []vex.Export{{
		Decision: plimsoll.Decision{Finding: "CVE-2026-1000", Status: plimsoll.StatusFixed, Reason: "patched", CreatedAt: at},
		Products: []vex.ExportProduct{{PURL: image}},
	}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "@context": "https://openvex.dev/ns/v0.2.0",
	//   "@id": "urn:plimsoll:vex:d4caa31f878552738034473ca428dc813f66a5dfb5be99a2e7795ebe0c5ec1cd",
	//   "author": "Team Web",
	//   "timestamp": "2026-05-01T10:00:00Z",
	//   "version": 1,
	//   "statements": [
	//     {
	//       "vulnerability": {
	//         "name": "CVE-2026-1000"
	//       },
	//       "timestamp": "2026-05-01T10:00:00Z",
	//       "products": [
	//         {
	//           "@id": "pkg:oci/web?repository_url=registry.example%2Fteam%2Fweb&tag=2.0"
	//         }
	//       ],
	//       "status": "fixed",
	//       "status_notes": "patched"
	//     }
	//   ]
	// }
}
