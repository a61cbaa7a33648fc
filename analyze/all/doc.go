// Package all lists every analyzer and every check, readable from top to bottom.
//
// There is no registration: whoever wires a scan takes these lists. A test walks the
// folders of analyze and fails if one is missing here.
package all
