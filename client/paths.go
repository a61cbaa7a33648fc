package client

import (
	"net/url"
	"strconv"
)

// The paths of the API, all of them.

const (
	pathTokens     = "/v3/auth/tokens"
	pathImages     = "/api/v1/images"
	pathScan       = "/api/v1/images/scan"
	pathRegistries = "/api/v1/registries"
	pathTasks      = "/api/v1/tasks"
	pathAdvisories = "/api/v1/advisories"
	pathDecisions  = "/api/v1/decisions"
	pathVEX        = "/api/v1/vex"
	pathUsers      = "/api/v1/users"
	pathKeys       = "/api/v1/keys"
	pathVersion    = "/api/v1/version"

	pathSoftwarePolicy = "/api/v1/software-policy"
)

func pathTask(id int64) string { return pathTasks + "/" + strconv.FormatInt(id, 10) }

func pathRegistry(name string) string { return pathRegistries + "/" + url.PathEscape(name) }

func pathSync(registry string) string { return pathRegistry(registry) + "/sync" }

// pathImage is an image, by record id or the hex digits of its digest.
func pathImage(image string) string { return pathImages + "/" + url.PathEscape(image) }

// pathOfImage is a list below an image.
func pathOfImage(image, list string) string { return pathImage(image) + "/" + list }

func pathHistory(image string) string { return "/api/v1/images/" + url.PathEscape(image) + "/history" }

func pathFindings(image string) string {
	return "/api/v1/images/" + url.PathEscape(image) + "/findings"
}

func pathExplanation(image int64, id string) string {
	return "/api/v1/images/" + strconv.FormatInt(image, 10) + "/vulnerabilities/" + url.PathEscape(id)
}

func pathFeed(name string) string { return pathAdvisories + "/" + url.PathEscape(name) }

func pathDecision(id int64) string { return pathDecisions + "/" + strconv.FormatInt(id, 10) }

func pathUser(name string) string { return pathUsers + "/" + url.PathEscape(name) }

func pathPassword(name string) string { return pathUser(name) + "/password" }

func pathKey(access string) string { return pathKeys + "/" + url.PathEscape(access) }
