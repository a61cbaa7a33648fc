package hss

// Difference is one place where we chose to differ from the vendor's contract.
type Difference struct {
	Operation string // operation id
	Where     string // "query limit", "body image_type", "response data_list[].platform"
	What      string // "enum", "range", "required", "added"
	Why       string
}

// Differences lists every chosen difference of the operations we answer to the contract. A
// test holds our OpenAPI against the contract and allows these and no other.
func Differences() []Difference {
	const (
		allStatuses = "older and newer clients know different subsets; all seven are understood"
		widerLimit  = "1 to 200, as the successor of this operation has it; clients ask for single rows"
		ociLimits   = "names are as long as registries allow: path 255, tag 128"
		notNeeded   = "there is one region"
		namesBase   = "a base image that is known has a name"
		neverCut    = "what was found is told in full; half a path or an address is of no use"
		longTimes   = "milliseconds since 1970 passed 2147483647 in that year's January"
		emptyAnswer = "an empty object instead of no body: every answer is JSON"
		honestTypes = "an image says which of the queried types it is; the contract's text names two of four"
	)
	return []Difference{
		{"ListSwrImageRepository", "query scan_status", "enum", allStatuses},
		{"ListSwrImageRepository", "response data_list[].image_type", "enum", honestTypes},
		{"ListSwrImageRepository", "response data_list[].association_images[].image_type", "enum", honestTypes},

		{"RunImageSynchronize", "body image_type", "enum", "enterprise instances are synchronised too"},

		{"BatchScanSwrImage", "body scan_status", "enum", allStatuses + "; an empty one is absent"},
		{"BatchScanSwrImage", "response", "added", emptyAnswer},

		{"HandleImageVulnerability", "response", "added", "an empty object instead of no body: every answer is JSON"},
		{"ChangeExtendedWeakPassword", "response", "added", "as BatchScanSwrImage"},

		{"ListImageVulnerabilities", "query limit", "range", widerLimit},
		{"ListImageVulnerabilities", "query namespace", "required", "the image id alone names an image, as clients' own tests expect"},
		{"ListImageVulnerabilities", "query image_name", "required", "as namespace"},
		{"ListImageVulnerabilities", "query tag_name", "required", "as namespace"},
		{"ListImageVulnerabilities", "query namespace", "range", ociLimits},
		{"ListImageVulnerabilities", "query image_name", "range", ociLimits},
		{"ListImageVulnerabilities", "query tag_name", "range", ociLimits},
		{"ListImageVulnerabilities", "query app_name", "range", "package names are longer than 64"},
		{"ListImageVulnerabilities", "response data_list[].description", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].app_name", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].app_path", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].version", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].solution", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].url", "range", neverCut},
		{"ListImageVulnerabilities", "response data_list[].platform", "added", "the list of a multi-architecture image is the union over its platforms"},

		{"ListImageFiles", "query limit", "range", widerLimit},
		{"ListImageFiles", "response data_list[].file_name", "range", neverCut},
		{"ListImageFiles", "response data_list[].file_path", "range", neverCut},
		{"ListImageFiles", "response data_list[].size", "range", "files are larger than 65,535 bytes"},
		{"ShowImageFilesStat", "header region", "required", notNeeded},
		{"ListImageBasicImage", "header region", "required", notNeeded},
		{"ListImageBasicImage", "response data_list[].image_name", "added", namesBase},
		{"ListImageBasicImage", "response data_list[].image_version", "added", namesBase},
		{"ListImageBasicImage", "response data_list[].image_id", "added", namesBase},

		{"ListImageRiskConfigs", "query limit", "range", widerLimit},
		{"ListImageWeakPwdUsers", "query limit", "range", widerLimit},
		{"ListImageWeakPwdUsers", "response data_list[].user_name", "range", neverCut},
		{"ListImageWeakPwdUsers", "response data_list[].latest_scan_time", "range", longTimes},
		{"ListImageNonCompliantApp", "query limit", "range", widerLimit},
		{"ListImageBuildCommandRisks", "query limit", "range", widerLimit},
		{"ListImageNonCompliantApp", "response data_list[].app_name", "range", neverCut},
		{"ListImageNonCompliantApp", "response data_list[].app_path", "range", neverCut},
		{"ListImageNonCompliantApp", "response data_list[].app_version", "range", neverCut},
		{"ListImagePwdComplexity", "query limit", "range", widerLimit},
		{"ListImagePwdComplexity", "response data_list[].image_version", "range", ociLimits},
		{"ListImagePwdComplexity", "response data_list[].latest_scan_time", "range", longTimes},

		{"ListImageSensitive", "query limit", "range", widerLimit},
		{"ListImageSensitive", "response data_list[].file_path", "range", neverCut},
		{"ListImageSensitive", "response data_list[].latest_scan_time", "range", longTimes},
		{"ListImageSensitiveInfo", "query limit", "range", widerLimit},
		{"ListImageSensitiveInfo", "response data_list[].file_path", "range", neverCut},
		{"ListImageSensitiveInfo", "response data_list[].latest_scan_time", "range", longTimes},
		{"ChangeSensitiveInfo", "response", "added", emptyAnswer},
		{"ChangeFilePathWhiteLists", "response", "added", emptyAnswer},
		{"ChangeFilePathWhiteDetail", "response", "added", emptyAnswer},
		{"ListImageMalware", "query limit", "range", widerLimit},
		{"ListImageMalware", "response data_list[].description", "range", neverCut},
		{"ListImageMalware", "response data_list[].file_name", "range", neverCut},
		{"ListImageMalware", "response data_list[].file_path", "range", neverCut},
		{"ListImageMalware", "response data_list[].size", "range", "files are larger than 65,535 bytes"},
		{"ListGlobalMalware", "header region", "required", notNeeded},
	}
}
