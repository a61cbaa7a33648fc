package hss

import "slices"

// Difference is one place where we chose to differ from the vendor's contract.
type Difference struct {
	Operation string // operation id
	Where     string // "query limit", "body image_type", "response data_list[].platform"
	What      string // "enum", "range", "required", "added"
	Why       string
}

// Reasons of several differences.
const (
	reasonAllStatuses = "older and newer clients know different subsets; all seven are understood"
	reasonWiderLimit  = "1 to 200, as the successor of this operation has it; clients ask for single rows"
	reasonOCILimits   = "names are as long as registries allow: path 255, tag 128"
	reasonOneRegion   = "there is one region"
	reasonBaseIsNamed = "a base image that is known has a name"
	reasonInFull      = "findings are returned in full; half a path or an address is of no use"
	reasonLongTimes   = "milliseconds since 1970 passed 2147483647 in that year's January"
	reasonJSONAnswer  = "an empty object instead of no body: every answer is JSON"
	reasonFourTypes   = "an image has one of the four types that can be queried; the contract's text names two"
)

// differences are all chosen differences of the operations that are offered. A
// test compares our OpenAPI with the contract and allows these and no others.
var differences = []Difference{
	{"ListSwrImageRepository", "query scan_status", "enum", reasonAllStatuses},
	{"ListSwrImageRepository", "response data_list[].image_type", "enum", reasonFourTypes},
	{"ListSwrImageRepository", "response data_list[].association_images[].image_type", "enum", reasonFourTypes},

	{"RunImageSynchronize", "body image_type", "enum", "enterprise instances are synchronised too"},

	{"BatchScanSwrImage", "body scan_status", "enum", reasonAllStatuses + "; an empty one is absent"},
	{"BatchScanSwrImage", "response", "added", reasonJSONAnswer},

	{"HandleImageVulnerability", "response", "added", "an empty object instead of no body: every answer is JSON"},
	{"ChangeExtendedWeakPassword", "response", "added", "as BatchScanSwrImage"},

	{"ListImageVulnerabilities", "query limit", "range", reasonWiderLimit},
	{"ListImageVulnerabilities", "query namespace", "required", "the image id alone names an image, as clients' own tests expect"},
	{"ListImageVulnerabilities", "query image_name", "required", "as namespace"},
	{"ListImageVulnerabilities", "query tag_name", "required", "as namespace"},
	{"ListImageVulnerabilities", "query namespace", "range", reasonOCILimits},
	{"ListImageVulnerabilities", "query image_name", "range", reasonOCILimits},
	{"ListImageVulnerabilities", "query tag_name", "range", reasonOCILimits},
	{"ListImageVulnerabilities", "query app_name", "range", "package names are longer than 64"},
	{"ListImageVulnerabilities", "response data_list[].description", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].app_name", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].app_path", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].version", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].solution", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].url", "range", reasonInFull},
	{"ListImageVulnerabilities", "response data_list[].platform", "added", "the list of a multi-architecture image is the union over its platforms"},

	{"ListImageFiles", "query limit", "range", reasonWiderLimit},
	{"ListImageFiles", "response data_list[].file_name", "range", reasonInFull},
	{"ListImageFiles", "response data_list[].file_path", "range", reasonInFull},
	{"ListImageFiles", "response data_list[].size", "range", "files are larger than 65,535 bytes"},
	{"ShowImageFilesStat", "header region", "required", reasonOneRegion},
	{"ListImageBasicImage", "header region", "required", reasonOneRegion},
	{"ListImageBasicImage", "response data_list[].image_name", "added", reasonBaseIsNamed},
	{"ListImageBasicImage", "response data_list[].image_version", "added", reasonBaseIsNamed},
	{"ListImageBasicImage", "response data_list[].image_id", "added", reasonBaseIsNamed},

	{"ListImageRiskConfigs", "query limit", "range", reasonWiderLimit},
	{"ListImageWeakPwdUsers", "query limit", "range", reasonWiderLimit},
	{"ListImageWeakPwdUsers", "response data_list[].user_name", "range", reasonInFull},
	{"ListImageWeakPwdUsers", "response data_list[].latest_scan_time", "range", reasonLongTimes},
	{"ListImageNonCompliantApp", "query limit", "range", reasonWiderLimit},
	{"ListImageBuildCommandRisks", "query limit", "range", reasonWiderLimit},
	{"ListImageNonCompliantApp", "response data_list[].app_name", "range", reasonInFull},
	{"ListImageNonCompliantApp", "response data_list[].app_path", "range", reasonInFull},
	{"ListImageNonCompliantApp", "response data_list[].app_version", "range", reasonInFull},
	{"ListImagePwdComplexity", "query limit", "range", reasonWiderLimit},
	{"ListImagePwdComplexity", "response data_list[].image_version", "range", reasonOCILimits},
	{"ListImagePwdComplexity", "response data_list[].latest_scan_time", "range", reasonLongTimes},

	{"ListImageSensitive", "query limit", "range", reasonWiderLimit},
	{"ListImageSensitive", "response data_list[].file_path", "range", reasonInFull},
	{"ListImageSensitive", "response data_list[].latest_scan_time", "range", reasonLongTimes},
	{"ListImageSensitiveInfo", "query limit", "range", reasonWiderLimit},
	{"ListImageSensitiveInfo", "response data_list[].file_path", "range", reasonInFull},
	{"ListImageSensitiveInfo", "response data_list[].latest_scan_time", "range", reasonLongTimes},
	{"ChangeSensitiveInfo", "response", "added", reasonJSONAnswer},
	{"ChangeFilePathWhiteLists", "response", "added", reasonJSONAnswer},
	{"ChangeFilePathWhiteDetail", "response", "added", reasonJSONAnswer},
	{"ListImageMalware", "query limit", "range", reasonWiderLimit},
	{"ListImageMalware", "response data_list[].description", "range", reasonInFull},
	{"ListImageMalware", "response data_list[].file_name", "range", reasonInFull},
	{"ListImageMalware", "response data_list[].file_path", "range", reasonInFull},
	{"ListImageMalware", "response data_list[].size", "range", "files are larger than 65,535 bytes"},
	{"ListGlobalMalware", "header region", "required", reasonOneRegion},
}

// Differences returns all chosen differences.
func Differences() []Difference { return slices.Clone(differences) }
