package hss

import (
	"net/http"

	"plimsoll/api/base"
)

// operations are what this server offers of the contract.
var operations = []base.Operation{
	{
		ID: "ListSwrImageRepository", Method: http.MethodGet, Path: "/v5/{project_id}/image/swr-repository", Access: base.Reader,
		Tag: "images", Summary: "List images",
		Description: "Images synchronised from the project's registries, with what is wrong with them. All filters must match; a bare or empty parameter is absent; unknown parameters are ignored.",
		Handler:     base.Handle((*handlers).listImages),
	},
	{
		ID: "ListImageVulnerabilities", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/vulnerabilities", Access: base.Reader,
		Tag: "vulnerabilities", Summary: "List the vulnerabilities of an image",
		Description: "The image is found by its id; namespace, image_name, tag_name and instance_id must match too where they are given.",
		Handler:     base.Handle((*handlers).listVulnerabilities),
	},
	{
		ID: "ListImageFiles", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/files", Access: base.Reader,
		Tag: "files", Summary: "List the largest files of an image",
		Description: "At most fifty, that are visible in the image.",
		Handler:     base.Handle((*handlers).listFiles),
	},
	{
		ID: "ShowImageFilesStat", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/files-statistics", Access: base.Reader,
		Tag: "files", Summary: "Count the files of an image",
		Handler: base.Handle((*handlers).showFilesStat),
	},
	{
		ID: "ListImageBasicImage", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/basic-image", Access: base.Reader,
		Tag: "files", Summary: "List the images that an image is based on",
		Description: "Images of the inventory, that the caller may see, whose layers the image begins with.",
		Handler:     base.Handle((*handlers).listBases),
	},
	{
		ID: "ListImageRiskConfigs", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/risk-configs", Access: base.Reader,
		Tag: "settings", Summary: "List baselines and how many of their rules failed",
		Description: "Over all images of a type, or those that are named. Weak passwords and password complexity have lists of their own.",
		Handler:     base.Handle((*handlers).listRiskConfigs),
	},
	{
		ID: "ListImageRiskConfigRules", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/risk-configs/{check_name}/rules", Access: base.Reader,
		Tag: "settings", Summary: "List the rules of a baseline",
		Description: "Rules that passed or failed; of one image, those that failed are as many as its unsafe_setting_num, over all baselines of hw_standard.",
		Handler:     base.Handle((*handlers).listRiskRules),
	},
	{
		ID: "ShowImageCheckRuleDetail", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/check-rule/detail", Access: base.Reader,
		Tag: "settings", Summary: "Show what a rule looks at and what it found",
		Handler: base.Handle((*handlers).showRule),
	},
	{
		ID: "ShowImageBaselineStatistic", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/statistic", Access: base.Reader,
		Tag: "settings", Summary: "Count weak passwords, password policies and failed rules",
		Handler: base.Handle((*handlers).showBaselineStatistic),
	},
	{
		ID: "ListImageWeakPwdUsers", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/weak-password-users", Access: base.Reader,
		Tag: "settings", Summary: "List accounts with weak passwords",
		Handler: base.Handle((*handlers).listWeakUsers),
	},
	{
		ID: "ListImagePwdComplexity", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/password-complexity", Access: base.Reader,
		Tag: "settings", Summary: "List images whose password policy lacks something",
		Handler: base.Handle((*handlers).listComplexity),
	},
	{
		ID: "ShowExtendedWeakPassword", Method: http.MethodGet, Path: "/v5/{project_id}/image/baseline/extended-weak-password", Access: base.ProjectReader,
		Tag: "settings", Summary: "Show the project's own weak passwords",
		Description: "One list per project, for every enterprise project.",
		Handler:     base.Handle((*handlers).showWeak),
	},
	{
		ID: "ChangeExtendedWeakPassword", Method: http.MethodPost, Path: "/v5/{project_id}/image/baseline/extended-weak-password", Access: base.ProjectEditor,
		Tag: "settings", Summary: "Replace the project's own weak passwords",
		Description: "Stored images are compared with the new list in the background (a task of the kind passwords); no registry is asked.",
		Handler:     base.Handle((*handlers).changeWeak),
	},
	{
		ID: "ListImageNonCompliantApp", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/non-compliant-app", Access: base.Reader,
		Tag: "software", Summary: "List the software of an image that its project forbids",
		Handler: base.Handle((*handlers).listNonCompliant),
	},
	{
		ID: "ListImageSensitive", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/sensitive", Access: base.Reader,
		Tag: "secrets", Summary: "List the secrets of an image",
		Description: "Without those at paths that the vendor or the project leaves out, see ShowFilePathWhiteLists.",
		Handler:     base.Handle((*handlers).listSecrets),
	},
	{
		ID: "ListImageSensitiveInfo", Method: http.MethodGet, Path: "/v5/{project_id}/image/sensitive-information", Access: base.Reader,
		Tag: "secrets", Summary: "List the secrets of all images",
		Description: "Each once, however many tags lead to it.",
		Handler:     base.Handle((*handlers).listAllSecrets),
	},
	{
		ID: "ChangeSensitiveInfo", Method: http.MethodPost, Path: "/v5/{project_id}/image/sensitive/operate", Access: base.Editor,
		Tag: "secrets", Summary: "Ignore a secret, or stop ignoring it",
		Description: "It stays in lists, as handled.",
		Handler:     base.Handle((*handlers).operateSecret),
	},
	{
		ID: "ShowFilePathWhiteLists", Method: http.MethodGet, Path: "/v5/{project_id}/image/sensitive/filepath-whitelist", Access: base.Reader,
		Tag: "secrets", Summary: "Show the paths for which no secrets are listed",
		Handler: base.Handle((*handlers).showSecretPaths),
	},
	{
		ID: "ShowFilePathWhiteDetail", Method: http.MethodGet, Path: "/v5/{project_id}/image/sensitive/filepath_whitelist", Access: base.Reader,
		Tag: "secrets", Deprecated: true, Summary: "Show the paths for which no secrets are listed",
		Handler: base.Handle((*handlers).showSecretPaths),
	},
	{
		ID: "ChangeFilePathWhiteLists", Method: http.MethodPost, Path: "/v5/{project_id}/image/sensitive/filepath-whitelist", Access: base.ProjectAdmin,
		Tag: "secrets", Summary: "Replace the project's own paths for which no secrets are listed",
		Description: "Acts at once on what is stored; nothing is scanned again.",
		Handler:     base.Handle((*handlers).changeSecretPaths),
	},
	{
		ID: "ChangeFilePathWhiteDetail", Method: http.MethodPost, Path: "/v5/{project_id}/image/sensitive/filepath_whitelist", Access: base.ProjectAdmin,
		Tag: "secrets", Deprecated: true, Summary: "Replace the project's own paths for which no secrets are listed",
		Description: "Acts at once on what is stored; nothing is scanned again.",
		Handler:     base.Handle((*handlers).changeSecretPaths),
	},
	{
		ID: "ListImageMalware", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/malwares", Access: base.Reader,
		Tag: "malware", Summary: "List the malicious files of an image",
		Description: "Files that are visible in it.",
		Handler:     base.Handle((*handlers).listMalware),
	},
	{
		ID: "ListGlobalMalware", Method: http.MethodGet, Path: "/v5/{project_id}/image/malwares", Access: base.Reader,
		Tag: "malware", Summary: "List the malicious files of all images",
		Handler: base.Handle((*handlers).listAllMalware),
	},
	{
		ID: "ListImageBuildCommandRisks", Method: http.MethodGet, Path: "/v5/{project_id}/image/build-command-risks", Access: base.Reader,
		Tag: "settings", Summary: "List risky build commands and how many images have them",
		Description: "The same rules are one of the baselines: see ListImageRiskConfigRules.",
		Handler:     base.Handle((*handlers).listBuildRisks),
	},
	{
		ID: "ListVulnerabilityCve", Method: http.MethodGet, Path: "/v5/{project_id}/image/vulnerability/{vul_id}/cve", Access: base.Reader,
		Tag: "vulnerabilities", Summary: "List the CVEs behind a vulnerability",
		Description: "Of vulnerabilities that were found in images that the caller may see; empty for any other id.",
		Handler:     base.Handle((*handlers).listCVEs),
	},
	{
		ID: "HandleImageVulnerability", Method: http.MethodPost, Path: "/v5/{project_id}/image/vulnerability/handle", Access: base.Editor,
		Tag: "vulnerabilities", Summary: "Decide about vulnerabilities of images",
		Description: "An image id means every image of that manifest digest in the project. What is chosen as \"all\" is what is found at the moment.",
		Handler:     base.Handle((*handlers).handleVulnerabilities),
	},
	{
		ID: "BatchScanSwrImage", Method: http.MethodPost, Path: "/v5/{project_id}/image/batch-scan", Access: base.Editor,
		Tag: "scans", Summary: "Scan images",
		Description: "Puts scans of the listed images, or of all that the filter selects, into the backlog.",
		Handler:     base.Handle((*handlers).batchScan),
	},
	{
		ID: "RunImageSynchronize", Method: http.MethodPost, Path: "/v5/{project_id}/image/synchronize", Access: base.Editor,
		Tag: "syncs", Summary: "Read the registries again",
		Description: "Puts a sync of every registry of the type into the backlog.",
		Handler:     base.Handle((*handlers).synchronize),
	},
}
