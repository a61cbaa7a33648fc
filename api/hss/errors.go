package hss

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
	"plimsoll/api/base"
)

// hssError is the error body of the contract (hss-api, section 4).
type hssError struct {
	status      int
	Code        string `json:"error_code" doc:"HSS.* from the service, APIGW.* from the front door"`
	Message     string `json:"error_msg" doc:"What went wrong"`
	Description string `json:"error_description" doc:"The same text"`
	RequestID   string `json:"request_id" doc:"32 hex digits; the X-Request-Id header"`
}

func (e *hssError) Error() string  { return e.Message }
func (e *hssError) GetStatus() int { return e.status }

// statusAndCode is how the contract shows an error. HSS.* codes are those of the service, APIGW.* of the gateway in front of it.
type statusAndCode struct {
	status int
	code   string
}

// Clients have seen 400 for everything that the service itself objects to, other statuses from the gateway only.
var (
	byCode = map[plimsoll.Code]statusAndCode{
		plimsoll.Invalid:         {http.StatusBadRequest, "HSS.0001"},
		plimsoll.Conflict:        {http.StatusBadRequest, "HSS.0001"},
		plimsoll.NotFound:        {http.StatusBadRequest, "HSS.0011"},
		plimsoll.Forbidden:       {http.StatusBadRequest, "HSS.0013"},
		plimsoll.Unauthenticated: {http.StatusUnauthorized, "APIGW.0301"},
		plimsoll.TooLarge:        {http.StatusRequestEntityTooLarge, "APIGW.0201"},
		plimsoll.Throttled:       {http.StatusTooManyRequests, "APIGW.0308"},
		plimsoll.Unavailable:     {http.StatusBadGateway, "APIGW.0201"},
		plimsoll.Internal:        {http.StatusInternalServerError, "APIGW.0601"},
	}
	byRefusal = map[base.Refusal]statusAndCode{
		base.NoRoute:       {http.StatusNotFound, "APIGW.0101"},
		base.NoMethod:      {http.StatusMethodNotAllowed, "APIGW.0101"},
		base.NoCredentials: {http.StatusUnauthorized, "APIGW.0301"},
		base.TokenExpired:  {http.StatusUnauthorized, "APIGW.0307"},
		base.OtherProject:  {http.StatusForbidden, "APIGW.0302"},
		base.NotOffered:    {http.StatusNotImplemented, "APIGW.0101"},
	}
)

func errorBody(f base.Failure) huma.StatusError {
	as := byCode[f.Code]
	if f.Refusal != "" {
		as = byRefusal[f.Refusal]
	}
	return &hssError{status: as.status, Code: as.code, Message: f.Message, Description: f.Message, RequestID: f.RequestID}
}
