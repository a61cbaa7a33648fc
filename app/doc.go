// Package app is the use cases of Plimsoll: what the command line, the API and the console do, without how they ask
// or show it. It prints nothing and knows no flag and no wire format.
//
// A Site is an open data directory. Its fields are the subjects, a type each:
//
//	Registries, Scans, Tasks          read registries, look inside images, follow the work
//	Images, Findings, Explanations    what is in the inventory and what is wrong with it
//	Advisories, Decisions, VEX        what changes the judgement, and the rules that counts follow
//	PasswordLists                     a project's own weak passwords
//	SignIns, Users                    callers and their credentials
//	Schedule                          what a server does by itself
//
// Methods take the project or tenant that they work on; they check no permission. Package analysis runs analyzers in
// confined processes, ruleset transfers rules for malware, and imagescan looks inside one image without an inventory.
package app
