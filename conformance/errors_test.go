package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5/model"
)

var requestID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// wantError wants an error as the vendor's client reads it.
func wantError(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	answer, ok := errors.AsType[*sdkerr.ServiceResponseError](err)
	if !ok {
		t.Errorf("%s: %T %v, want %d %s", what, err, err, status, code)
		return
	}
	if answer.StatusCode != status || answer.ErrorCode != code || answer.ErrorMessage == "" || !requestID.MatchString(answer.RequestId) {
		t.Errorf("%s: %+v, want %d %s", what, answer, status, code)
	}
}

// testErrors is what a caller who is known can do wrong.
func testErrors(t *testing.T, s *server, c *hss.HssClient) {
	number := func(n int32) *int32 { return &n }
	long := func(n int64) *int64 { return &n }
	asks := map[string]func(*imageAsk){
		"limit 0":                func(r *imageAsk) { r.Limit = number(0) },
		"limit 201":              func(r *imageAsk) { r.Limit = number(201) },
		"limit -1":               func(r *imageAsk) { r.Limit = number(-1) },
		"offset -1":              func(r *imageAsk) { r.Offset = number(-1) },
		"offset 2000001":         func(r *imageAsk) { r.Offset = number(2000001) },
		"no image type":          func(r *imageAsk) { r.ImageType = "" },
		"unknown image type":     func(r *imageAsk) { r.ImageType = "cicd" },
		"unknown status":         func(r *imageAsk) { r.ScanStatus = text("waiting") },
		"negative size":          func(r *imageAsk) { r.ImageSize = long(-1) },
		"negative time":          func(r *imageAsk) { r.StartLatestScanTime = long(-1) },
		"times that contradict":  func(r *imageAsk) { r.StartLatestUpdateTime, r.EndLatestUpdateTime = long(2), long(1) },
		"tag of 129 characters":  func(r *imageAsk) { r.ImageVersion = text(strings.Repeat("x", 129)) },
		"scans that contradict":  func(r *imageAsk) { r.StartLatestScanTime, r.EndLatestScanTime = long(2), long(1) },
		"region too long":        func(r *imageAsk) { r.Region = text(strings.Repeat("x", 129)) },
		"enterprise id too long": func(r *imageAsk) { r.EnterpriseProjectId = text(strings.Repeat("x", 257)) },
	}
	for name, change := range asks {
		r := &imageAsk{ImageType: "private_image"}
		change(r)
		_, err := c.ListSwrImageRepository(r)
		wantError(t, name, err, 400, "HSS.0001")
	}
	img := images(t, c, "private_image")[0]
	for name, lookup := range map[string]struct {
		change func(*vulAsk)
		code   string
	}{
		"no type":          {func(r *vulAsk) { r.ImageType = "" }, "HSS.0001"},
		"unknown type":     {func(r *vulAsk) { r.ImageType = "local" }, "HSS.0001"},
		"unknown urgency":  {func(r *vulAsk) { r.RepairNecessity = text("soon") }, "HSS.0001"},
		"unknown handling": {func(r *vulAsk) { r.HandleStatus = text("open") }, "HSS.0001"},
		"unknown sort":     {func(r *vulAsk) { r.Type = text("windows_vul") }, "HSS.0001"},
		"limit 201":        {func(r *vulAsk) { r.Limit = number(201) }, "HSS.0001"},
		"unknown record":   {func(r *vulAsk) { r.ImageId = "999999" }, "HSS.0011"},
		"unknown image":    {func(r *vulAsk) { r.ImageId = strings.Repeat("0", 64) }, "HSS.0011"},
		"not an id":        {func(r *vulAsk) { r.ImageId = "a b~c*d" }, "HSS.0011"},
		"of another name":  {func(r *vulAsk) { r.ImageName = "another" }, "HSS.0011"},
		"of another tag":   {func(r *vulAsk) { r.TagName = "another" }, "HSS.0011"},
		"of another type":  {func(r *vulAsk) { r.ImageType = "shared_image" }, "HSS.0011"},
		"of a pipeline":    {func(r *vulAsk) { r.ImageType = "cicd" }, "HSS.0011"},
	} {
		r := about(img)
		lookup.change(r)
		_, err := c.ListImageVulnerabilities(r)
		wantError(t, name, err, 400, lookup.code)
	}
	for name, body := range map[string]*model.RunImageSynchronizeRequestInfo{
		"no type": {}, "local images": {ImageType: "local_image"}, "no body": nil,
	} {
		_, err := c.RunImageSynchronize(&model.RunImageSynchronizeRequest{Body: body})
		wantError(t, "synchronize: "+name, err, 400, "HSS.0001")
	}
	for name, body := range map[string]*model.BatchScanPrivateImageRequestInfo{
		"nothing named":    {ImageType: "private_image"},
		"a name missing":   {ImageType: "private_image", ImageInfoList: &[]model.BatchScanSwrImageInfo{{Namespace: text("shop")}}},
		"unknown status":   {ImageType: "private_image", OperateAll: yes(), ScanStatus: text("waiting")},
		"unknown type":     {ImageType: "cicd"},
		"times contradict": {ImageType: "private_image", OperateAll: yes(), StartLatestScanTime: long(2), EndLatestScanTime: long(1)},
	} {
		_, err := c.BatchScanSwrImage(&model.BatchScanSwrImageRequest{Body: body})
		wantError(t, "scan: "+name, err, 400, "HSS.0001")
	}
	_, err := c.BatchScanSwrImage(&model.BatchScanSwrImageRequest{Body: &model.BatchScanPrivateImageRequestInfo{
		ImageType: "private_image", ImageInfoList: &[]model.BatchScanSwrImageInfo{{Namespace: text("no"), ImageName: text("such"), ImageVersion: text("image")}},
	}})
	wantError(t, "scan of an unknown image", err, 400, "HSS.0011")
	_, err = c.ListSwrImageRepository(&imageAsk{ImageType: "private_image", EnterpriseProjectId: text("no-such")})
	if err != nil { // an administrator of the whole project may ask for any part of it
		t.Errorf("an enterprise project without images: %v", err)
	}
	_, err = c.ListImageWhiteLists(&model.ListImageWhiteListsRequest{})
	wantError(t, "an operation that is not offered", err, 501, "APIGW.0101")
}

func yes() *bool { b := true; return &b }

// testCallers is what happens to those who are not known, or not where they ask.
func testCallers(t *testing.T, s *server) {
	ask := &imageAsk{ImageType: "private_image"}
	scan := &model.BatchScanSwrImageRequest{Body: &model.BatchScanPrivateImageRequestInfo{ImageType: "private_image", OperateAll: yes()}}
	elsewhere := strings.Repeat("0", 32)
	signed := func(k *signer) *hss.HssClient {
		return connect(t, s, byKey(t, "AK", "SK", s.project), signing(k))
	}
	for name, who := range map[string]struct {
		client *hss.HssClient
		status int
		code   string
	}{
		"nobody":                   {connect(t, s, &byToken{"", s.project}, nil), 401, "APIGW.0301"},
		"unknown token":            {connect(t, s, &byToken{strings.Repeat("x", 43), s.project}, nil), 401, "APIGW.0301"},
		"a very long token":        {connect(t, s, &byToken{strings.Repeat("x", 20000), s.project}, nil), 401, "APIGW.0301"},
		"ended token":              {connect(t, s, &byToken{endedToken(t, s), s.project}, nil), 401, "APIGW.0301"},
		"token, elsewhere":         {connect(t, s, &byToken{s.token, elsewhere}, nil), 403, "APIGW.0302"},
		"key, elsewhere":           {connect(t, s, byKey(t, s.access, s.secret, elsewhere), nil), 403, "APIGW.0302"},
		"wrong secret":             {connect(t, s, byKey(t, s.access, "wrong", s.project), nil), 401, "APIGW.0301"},
		"unknown key":              {connect(t, s, byKey(t, "NOSUCHKEY", s.secret, s.project), nil), 401, "APIGW.0301"},
		"our signer, wrong secret": {signed(&signer{access: s.access, secret: "wrong"}), 401, "APIGW.0301"},
		"a clock that is late":     {signed(&signer{access: s.access, secret: s.secret, skew: -16 * time.Minute}), 401, "APIGW.0301"},
		"a clock that is early":    {signed(&signer{access: s.access, secret: s.secret, skew: 16 * time.Minute}), 401, "APIGW.0301"},
		"temporary key":            {connect(t, s, temporary(t, s), nil), 401, "APIGW.0301"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := who.client.ListSwrImageRepository(ask)
			wantError(t, "list", err, who.status, who.code)
			_, err = who.client.BatchScanSwrImage(scan)
			wantError(t, "scan", err, who.status, who.code)
			// Whoever asked before: who is known is not locked out by who is not.
			images(t, connect(t, s, byKey(t, s.access, s.secret, s.project), nil), "private_image")
		})
	}
	for _, skew := range []time.Duration{-14 * time.Minute, 14 * time.Minute} {
		images(t, signed(&signer{access: s.access, secret: s.secret, skew: skew}), "private_image")
	}
	t.Run("roles", func(t *testing.T) { testRoles(t, s) })
	t.Run("guessing", func(t *testing.T) { testGuessing(t, s) })
}

// temporary are credentials of a kind that the server does not give out.
func temporary(t *testing.T, s *server) *basic.Credentials {
	t.Helper()
	c, err := basic.NewCredentialsBuilder().WithAk(s.access).WithSk(s.secret).WithSecurityToken("temporary").WithProjectId(s.project).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testRoles asks as somebody who may only look.
func testRoles(t *testing.T, s *server) {
	s.own(t, "POST", "/api/v1/users", map[string]any{"name": "looker", "password": "looks but does not touch",
		"grants": []map[string]string{{"project_id": s.project, "role": "reader"}}}, nil)
	access, secret := newKey(t, s, "looker")
	c := connect(t, s, byKey(t, access, secret, s.project), nil)
	if len(images(t, c, "private_image")) == 0 {
		t.Error("a reader sees nothing")
	}
	_, err := c.RunImageSynchronize(&model.RunImageSynchronizeRequest{Body: &model.RunImageSynchronizeRequestInfo{ImageType: "private_image"}})
	wantError(t, "synchronize", err, 400, "HSS.0013")
	_, err = c.BatchScanSwrImage(&model.BatchScanSwrImageRequest{Body: &model.BatchScanPrivateImageRequestInfo{ImageType: "private_image", OperateAll: yes()}})
	wantError(t, "scan", err, 400, "HSS.0013")
}

// testGuessing locks a key of its own by wrong signatures, and no other.
func testGuessing(t *testing.T, s *server) {
	access, secret := newKey(t, s, "admin")
	wrong := connect(t, s, byKey(t, access, "wrong", s.project), nil)
	right := connect(t, s, byKey(t, access, secret, s.project), nil)
	images(t, right, "private_image")
	for i := range 6 {
		_, err := wrong.ListSwrImageRepository(&imageAsk{ImageType: "private_image"})
		wantError(t, fmt.Sprint("guess ", i+1), err, 401, "APIGW.0301")
	}
	_, err := right.ListSwrImageRepository(&imageAsk{ImageType: "private_image"})
	wantError(t, "after six guesses", err, 429, "APIGW.0308")
	images(t, connect(t, s, byKey(t, s.access, s.secret, s.project), nil), "private_image")
}

// newKey makes an access key, as rotating one begins.
func newKey(t *testing.T, s *server, user string) (access, secret string) {
	t.Helper()
	var key struct{ Access, Secret string }
	s.own(t, "POST", "/api/v1/keys", map[string]string{"user": user}, &key)
	return key.Access, key.Secret
}
