package client

import (
	"net/url"
	"strconv"
)

// The paths of the API, all of them.

const (
	pathTokens     = "/v3/auth/tokens"
	pathAdvisories = "/api/v1/advisories"
	pathDecisions  = "/api/v1/decisions"
	pathVEX        = "/api/v1/vex"
	pathUsers      = "/api/v1/users"
	pathKeys       = "/api/v1/keys"
	pathVersion    = "/api/v1/version"
)

// projectPath is a path of operations that name the project.
func (c *Client) projectPath(rest string) string {
	return "/api/v1/projects/" + url.PathEscape(c.projectID) + rest
}

func (c *Client) pathImages() string     { return c.projectPath("/images") }
func (c *Client) pathScan() string       { return c.projectPath("/images/scan") }
func (c *Client) pathRegistries() string { return c.projectPath("/registries") }
func (c *Client) pathTasks() string      { return c.projectPath("/tasks") }

func (c *Client) pathTask(id int64) string { return c.pathTasks() + "/" + strconv.FormatInt(id, 10) }

func (c *Client) pathRegistry(name string) string {
	return c.pathRegistries() + "/" + url.PathEscape(name)
}

func (c *Client) pathSync(registry string) string { return c.pathRegistry(registry) + "/sync" }

// pathOfImage is a list below an image, by record id or the hex digits of its digest.
func (c *Client) pathOfImage(image, list string) string {
	return c.pathImages() + "/" + url.PathEscape(image) + "/" + list
}

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
