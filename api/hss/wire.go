package hss

import (
	"math"
	"time"

	"plimsoll"
)

// Image types of the contract.
const (
	typePrivate  = "private_image"
	typeShared   = "shared_image"
	typeInstance = "instance_image"
	typeLocal    = "local_image"
	typeHarbor   = "harbor"
	typeJfrog    = "jfrog"
)

// originOf reads an image type; false for one that no image of ours has.
func originOf(imageType string) (plimsoll.Origin, bool) {
	switch imageType {
	case typePrivate, typeHarbor, typeJfrog:
		return plimsoll.OriginPrivate, true
	case typeShared:
		return plimsoll.OriginShared, true
	case typeInstance:
		return plimsoll.OriginInstance, true
	case typeLocal:
		return plimsoll.OriginLocal, true
	default:
		return "", false
	}
}

// imageTypeOf writes an origin.
func imageTypeOf(o plimsoll.Origin) string {
	switch o {
	case plimsoll.OriginShared:
		return typeShared
	case plimsoll.OriginInstance:
		return typeInstance
	case plimsoll.OriginLocal:
		return typeLocal
	default:
		return typePrivate
	}
}

// statesOf reads a scan_status; "" is no filter.
func statesOf(status string) []plimsoll.ScanState {
	for _, state := range plimsoll.ScanStates() {
		if statusOf(state) == status {
			return []plimsoll.ScanState{state}
		}
	}
	return nil
}

// statusOf writes a scan state.
func statusOf(s plimsoll.ScanState) string {
	switch s {
	case plimsoll.ScanDone:
		return "success"
	case plimsoll.ScanPending:
		return "waiting_for_scan"
	case plimsoll.ScanRunning:
		return "scanning"
	case plimsoll.ScanFailed:
		return "failed"
	case plimsoll.ScanUnreachable:
		return "download_failed"
	case plimsoll.ScanOversized:
		return "image_oversized"
	default:
		return "unscan"
	}
}

// failureOf writes why a scan failed, in the fifteen words that the seed operation has (hss-api, section 1.4).
func failureOf(c plimsoll.FailureCode) string {
	switch c {
	case plimsoll.FailureAuth:
		return "authentication_failed"
	case plimsoll.FailureDownload, plimsoll.FailureNotFound:
		return "download_failed"
	case plimsoll.FailureOversized:
		return "image_oversized"
	case plimsoll.FailureLayers:
		return "image_over_sized"
	case plimsoll.FailureLayer, plimsoll.FailureMalware, plimsoll.FailureEngine:
		return "failed_to_scan_file"
	case plimsoll.FailurePackages:
		return "failed_to_scan_software"
	case plimsoll.FailureSecrets:
		return "failed_to_check_sensitive_information"
	case plimsoll.FailureSettings:
		return "failed_to_check_baseline"
	case plimsoll.FailureMatch:
		return "failed_to_scan_vulnerability"
	case plimsoll.FailureTimeout:
		return "response_timed_out"
	case plimsoll.FailureDatabase:
		return "database_error"
	default:
		return "unknown_error"
	}
}

// lastScanFailed reports whether the last scan did not succeed.
func lastScanFailed(s plimsoll.ScanState) bool {
	return s == plimsoll.ScanFailed || s == plimsoll.ScanUnreachable || s == plimsoll.ScanOversized
}

// repairs are the contract's words for urgency.
var repairs = map[plimsoll.Urgency]string{
	plimsoll.UrgencyNow: "immediate_repair", plimsoll.UrgencySoon: "delay_repair", plimsoll.UrgencyLater: "not_needed_repair",
}

// urgencyOf reads an urgency; "" is no filter.
func urgencyOf(repair string) plimsoll.Urgency {
	for u, word := range repairs {
		if word == repair {
			return u
		}
	}
	return ""
}

// imageRow is one row of ListSwrImageRepository.
type imageRow struct {
	ID           int64   `json:"id" doc:"Record id" minimum:"0"`
	Namespace    string  `json:"namespace" doc:"First segment of the repository path"`
	ImageName    string  `json:"image_name" doc:"The rest of the repository path"`
	ImageID      string  `json:"image_id" doc:"Hex digits of the manifest digest"`
	ImageDigest  string  `json:"image_digest" doc:"Manifest digest, sha256:…"`
	ImageVersion string  `json:"image_version" doc:"Tag"`
	ImageType    string  `json:"image_type" enum:"private_image,shared_image,instance_image,local_image" doc:"Where the image comes from"`
	Latest       bool    `json:"latest_version" doc:"Is this the newest version of its repository?"`
	ScanStatus   string  `json:"scan_status" enum:"unscan,success,scanning,failed,download_failed,image_oversized,waiting_for_scan" doc:"How far the inspection has come"`
	ScanFailed   *string `json:"scan_failed_desc,omitempty" enum:"unknown_error,authentication_failed,download_failed,image_over_sized,image_oversized,failed_to_scan_vulnerability,failed_to_scan_file,failed_to_scan_software,failed_to_check_sensitive_information,failed_to_check_baseline,failed_to_check_software_compliance,failed_to_query_basic_image_information,response_timed_out,database_error,failed_to_send_the_scan_request" doc:"Why the last scan failed; only then"`
	ImageSize    int64   `json:"image_size" minimum:"0" doc:"Bytes, config and layers as stored in the registry; of an index the sum over its platforms"`
	UpdatedAt    int64   `json:"latest_update_time" doc:"Last update of this version, ms since 1970"`
	ScannedAt    *int64  `json:"latest_scan_time,omitempty" doc:"Last inspection of the bytes, ms since 1970; absent before the first"`
	Vuls         *int32  `json:"vul_num,omitempty" minimum:"0" doc:"Distinct vulnerabilities not handled; absent if never judged"`
	Settings     *int32  `json:"unsafe_setting_num,omitempty" minimum:"0" doc:"Distinct failed baseline checks; absent if never judged"`
	Malware      *int32  `json:"malicious_file_num,omitempty" minimum:"0" doc:"Distinct malicious paths; absent if never judged"`
	DomainName   *string `json:"domain_name,omitempty" doc:"Account that owns the image; only of shared images"`
	SharedStatus *string `json:"shared_status,omitempty" enum:"expired,effective" doc:"Does the share still hold? Only of shared images"`
	Scannable    bool    `json:"scannable" doc:"Can it be scanned?"`
	InstanceName string  `json:"instance_name" doc:"Name of the enterprise instance, or empty"`
	InstanceID   string  `json:"instance_id" doc:"Id of the enterprise instance, or empty"`
	InstanceURL  string  `json:"instance_url" doc:"Address of the enterprise instance, or empty"`

	Associated []associatedImage `json:"association_images,omitempty" nullable:"false" doc:"One entry per platform; only of multi-architecture images"`
}

// associatedImage is one platform of a multi-architecture image.
type associatedImage struct {
	ImageName    string `json:"image_name"`
	ImageVersion string `json:"image_version" doc:"Tag of the index"`
	ImageType    string `json:"image_type" enum:"private_image,shared_image,instance_image,local_image"`
	Namespace    string `json:"namespace"`
	ImageDigest  string `json:"image_digest" doc:"Manifest digest of the platform"`
	ScanStatus   string `json:"scan_status" enum:"unscan,success,scanning,failed,download_failed,image_oversized,waiting_for_scan"`
}

// wireImage converts an image to its wire form at the time now.
func wireImage(img plimsoll.Image, now time.Time) imageRow {
	row := imageRow{
		ID: img.ID, Namespace: img.Namespace, ImageName: img.Name, ImageVersion: img.Tag,
		ImageID: img.Digest.Hex(), ImageDigest: string(img.Digest),
		ImageType: imageTypeOf(img.Origin), Latest: img.Latest,
		ScanStatus: statusOf(img.State), ImageSize: img.Size, UpdatedAt: img.UpdatedAt.UnixMilli(),
		Scannable:    img.Unscannable == "",
		InstanceName: img.Source.InstanceName, InstanceID: img.Source.InstanceID, InstanceURL: img.Source.InstanceURL,
	}
	if lastScanFailed(img.State) {
		row.ScanFailed = new(failureOf(img.Failure))
	}
	if !img.ScannedAt.IsZero() {
		row.ScannedAt = new(img.ScannedAt.UnixMilli())
	}
	if c := img.Counts; c != nil {
		row.Vuls, row.Settings, row.Malware = new(int32Of(c.Vulnerabilities)), new(int32Of(c.Settings)), new(int32Of(c.Malware))
	}
	if img.Origin == plimsoll.OriginShared {
		row.DomainName, row.SharedStatus = &img.Source.Owner, new("effective")
		if end := img.Source.ShareExpires; !end.IsZero() && !now.Before(end) {
			row.SharedStatus, row.Scannable = new("expired"), false
		}
	}
	for _, p := range img.Platforms {
		if p.Unscannable == plimsoll.ReasonAttestation {
			continue
		}
		row.Associated = append(row.Associated, associatedImage{
			ImageName: img.Name, ImageVersion: img.Tag, ImageType: row.ImageType, Namespace: img.Namespace,
			ImageDigest: string(p.Digest), ScanStatus: statusOf(p.State),
		})
	}
	return row
}

// vulnerabilityRow is one row of ListImageVulnerabilities: a vulnerability of one package at one place.
type vulnerabilityRow struct {
	ID          string  `json:"vul_id" maxLength:"128" doc:"Canonical id: a CVE where there is one"`
	Repair      string  `json:"repair_necessity" enum:"immediate_repair,delay_repair,not_needed_repair" doc:"Urgency, by severity and by what is known of exploitation"`
	Description string  `json:"description" doc:"Summary of the advisory"`
	Position    string  `json:"position" maxLength:"128" doc:"Diff ID of the layer that brought the package"`
	App         string  `json:"app_name" doc:"Package"`
	AppPath     *string `json:"app_path,omitempty" minLength:"1" doc:"File that names the package; of language packages only"`
	Version     string  `json:"version" doc:"Installed version"`
	Solution    string  `json:"solution" doc:"What to do"`
	URL         string  `json:"url" doc:"Where to read on"`
	Platform    *string `json:"platform,omitempty" doc:"os/architecture, in lists of multi-architecture images"`
}

// wireVulnerability writes a vulnerability; platform is true for an image with several.
func wireVulnerability(v plimsoll.Placed, platform bool) vulnerabilityRow {
	row := vulnerabilityRow{
		ID: v.ID, Repair: repairs[v.Urgency], Description: v.Summary, Position: string(v.Layer),
		App: v.Package.Name, Version: v.Package.Version, Solution: solutionOf(v.Vulnerability), URL: v.URL,
	}
	if !v.OS {
		row.AppPath = &v.Path
	}
	if platform {
		row.Platform = new(v.Platform.String())
	}
	return row
}

func solutionOf(v plimsoll.Vulnerability) string {
	if v.FixedVersion == "" {
		return "No version that fixes this is known yet."
	}
	return "Upgrade " + v.Package.Name + " to " + v.FixedVersion + " or later."
}

// timeOf reads milliseconds since 1970; 0 is no time.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// int32Of is for counts, which the contract holds in 32 bits.
func int32Of[N int | int64](n N) int32 { return int32(min(n, math.MaxInt32)) }
