// Package all lists every analyzer and every kind of finding.
//
// There is no registration: the program passes these lists to a scan. A test walks the folders of
// analyze and fails if one is missing here.
package all
