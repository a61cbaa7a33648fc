package conformance

import (
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/global"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	eps "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/eps/v1"
	epsmodel "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/eps/v1/model"
	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
	iam "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iam/v3"
	iammodel "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iam/v3/model"
)

const (
	signerUser     = "purser"
	signerPassword = "counts the cargo twice"
)

// testIdentity is how clients find out where they are, and get tokens.
func testIdentity(t *testing.T, s *server) {
	domain := testDomain(t, s)
	t.Run("project by region", func(t *testing.T) { testDiscovery(t, s) })
	t.Run("token", func(t *testing.T) { testTokens(t, s, domain) })
	t.Run("enterprise projects", func(t *testing.T) { testEnterpriseProjects(t, s) })
}

func identity(t *testing.T, s *server, access, secret string) *iam.IamClient {
	t.Helper()
	c, err := global.NewCredentialsBuilder().WithAk(access).WithSk(secret).WithIamEndpointOverride(s.endpoint).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	built, err := iam.IamClientBuilder().WithEndpoint(s.endpoint).WithCredential(c).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewIamClient(built)
}

// testDomain asks as account-level credentials, which look up the domain by themselves.
func testDomain(t *testing.T, s *server) iammodel.Domains {
	t.Helper()
	c := identity(t, s, s.access, s.secret)
	domains, err := c.KeystoneListAuthDomains(&iammodel.KeystoneListAuthDomainsRequest{})
	if err != nil || domains.Domains == nil || len(*domains.Domains) != 1 || domains.Links == nil {
		t.Fatalf("domains %s, %v", domains, err)
	}
	own := (*domains.Domains)[0]
	projects, err := c.KeystoneListAuthProjects(&iammodel.KeystoneListAuthProjectsRequest{})
	if err != nil || len(*projects.Projects) != 1 || (*projects.Projects)[0].Id != s.project || (*projects.Projects)[0].DomainId != own.Id {
		t.Errorf("projects %s, %v", projects, err)
	}
	page, size := int32(1), int32(1)
	for name, want := range map[string]int{"default": 1, "cn-north-4": 0, "": 1} {
		projects, err := c.KeystoneListProjects(&iammodel.KeystoneListProjectsRequest{Name: &name, DomainId: &own.Id, Enabled: yes(), Page: &page, PerPage: &size})
		if err != nil || projects.Projects == nil || len(*projects.Projects) != want || projects.Links == nil {
			t.Errorf("projects named %q: %s, %v", name, projects, err)
		}
	}
	_, err = identity(t, s, s.access, s.secret).KeystoneListProjects(&iammodel.KeystoneListProjectsRequest{PerPage: new(int32)})
	wantStatus(t, "per_page 0", err, 400)
	return own
}

// wantStatus wants an error of the identity operations, whose code is the status.
func wantStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	answer, ok := errors.AsType[*sdkerr.ServiceResponseError](err)
	if !ok || answer.StatusCode != status || !strings.Contains(answer.ErrorMessage, `"message":`) || !requestID.MatchString(answer.RequestId) {
		t.Errorf("%s: %T %+v, want %d", what, err, err, status)
	}
}

// testDiscovery starts clients with a region and no project.
func testDiscovery(t *testing.T, s *server) {
	discover := func(access, secret, name string) (*hss.HssClient, error) {
		c, err := basic.NewCredentialsBuilder().WithAk(access).WithSk(secret).WithIamEndpointOverride(s.endpoint).SafeBuild()
		if err != nil {
			t.Fatal(err)
		}
		built, err := hss.HssClientBuilder().WithRegion(region.NewRegion(name, s.endpoint)).WithCredential(c).SafeBuild()
		if err != nil {
			return nil, err
		}
		return hss.NewHssClient(built), nil
	}
	c, err := discover(s.access, s.secret, "default")
	if err != nil {
		t.Fatal(err)
	}
	if len(images(t, c, "private_image")) == 0 {
		t.Error("the project that was found has no images")
	}
	if _, err := discover(s.access, s.secret, "cn-north-4"); err == nil || !strings.Contains(err.Error(), "confirm that the project exists in your account") {
		t.Errorf("a region without a project: %v", err)
	}
	if _, err := discover(s.access, "wrong", "elsewhere"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("wrong secret: %v", err)
	}
}

// signIn gets a token by password.
func signIn(c *iam.IamClient, domain iammodel.Domains, user, password string, scope *iammodel.AuthScope) (*iammodel.KeystoneCreateUserTokenByPasswordResponse, error) {
	return c.KeystoneCreateUserTokenByPassword(&iammodel.KeystoneCreateUserTokenByPasswordRequest{
		Body: &iammodel.KeystoneCreateUserTokenByPasswordRequestBody{Auth: &iammodel.PwdAuth{
			Identity: &iammodel.PwdIdentity{
				Methods: []iammodel.PwdIdentityMethods{iammodel.GetPwdIdentityMethodsEnum().PASSWORD},
				Password: &iammodel.PwdPassword{User: &iammodel.PwdPasswordUser{
					Name: user, Password: password, Domain: &iammodel.PwdPasswordUserDomain{Name: domain.Name},
				}},
			},
			Scope: scope,
		}},
	})
}

func testTokens(t *testing.T, s *server, domain iammodel.Domains) {
	s.own(t, "POST", "/api/v1/users", map[string]any{"name": signerUser, "password": signerPassword,
		"grants": []map[string]string{{"project_id": s.project, "role": "editor"}}}, nil)
	c := identity(t, s, s.access, s.secret)
	inProject := &iammodel.AuthScope{Project: &iammodel.AuthScopeProject{Name: text("default")}}
	got, err := signIn(c, domain, signerUser, signerPassword, inProject)
	if err != nil || got.HttpStatusCode != 201 || got.XSubjectToken == nil || got.Token == nil {
		t.Fatalf("%s, %v", got, err)
	}
	if got.Token.Project.Id != s.project || got.Token.User.Name != signerUser || got.Token.User.Domain.Id != domain.Id || len(got.Token.Roles) != 1 {
		t.Errorf("token %s", got.Token)
	}
	var services []string
	for _, entry := range got.Token.Catalog {
		services = append(services, entry.Type+" "+entry.Endpoints[0].Url)
	}
	want := []string{"iam " + s.endpoint + "/v3", "eps " + s.endpoint + "/v1.0", "hss " + s.endpoint + "/v5/" + s.project}
	if !slices.Equal(services, want) {
		t.Errorf("catalog %v, want %v", services, want)
	}
	h := connect(t, s, &byToken{*got.XSubjectToken, s.project}, nil)
	if len(images(t, h, "private_image")) == 0 {
		t.Error("nothing to see with the token")
	}

	holder := tokenIdentity(t, s, *got.XSubjectToken)
	shown, err := holder.KeystoneValidateToken(&iammodel.KeystoneValidateTokenRequest{XSubjectToken: *got.XSubjectToken})
	if err != nil || shown.Token.User.Name != signerUser || shown.Token.ExpiresAt != got.Token.ExpiresAt {
		t.Errorf("shown %s, %v", shown, err)
	}
	_, err = holder.KeystoneValidateToken(&iammodel.KeystoneValidateTokenRequest{XSubjectToken: s.token})
	wantStatus(t, "somebody else's token", err, 404)
	_, err = signIn(c, domain, signerUser, "wrong", inProject)
	wantStatus(t, "wrong password", err, 401)
	_, err = signIn(c, domain, "nobody", signerPassword, inProject)
	wantStatus(t, "unknown user", err, 401)
	_, err = signIn(c, domain, signerUser, signerPassword, &iammodel.AuthScope{Project: &iammodel.AuthScopeProject{Name: text("cn-north-4")}})
	wantStatus(t, "unknown project", err, 403)
}

// tokenIdentity is the identity client with a token.
func tokenIdentity(t *testing.T, s *server, token string) *iam.IamClient {
	t.Helper()
	built, err := iam.IamClientBuilder().WithEndpoint(s.endpoint).
		WithCredential(iam.NewIamCredentialsBuilder().WithXAuthToken(token).Build()).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewIamClient(built)
}

func testEnterpriseProjects(t *testing.T, s *server) {
	creds, err := global.NewCredentialsBuilder().WithAk(s.access).WithSk(s.secret).WithIamEndpointOverride(s.endpoint).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	built, err := eps.EpsClientBuilder().WithEndpoint(s.endpoint).WithCredential(creds).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	c := eps.NewEpsClient(built)
	got, err := c.ListEnterpriseProject(&epsmodel.ListEnterpriseProjectRequest{})
	if err != nil || *got.TotalCount != 1 || (*got.EnterpriseProjects)[0].Id != "0" || (*got.EnterpriseProjects)[0].Name != "default" {
		t.Errorf("enterprise projects %s, %v", got, err)
	}
	for name, want := range map[string]int32{"fau": 1, "no such": 0} {
		got, err := c.ListEnterpriseProject(&epsmodel.ListEnterpriseProjectRequest{Name: &name})
		if err != nil || *got.TotalCount != want {
			t.Errorf("named %q: %s, %v", name, got, err)
		}
	}
	one, err := c.ShowEnterpriseProject(&epsmodel.ShowEnterpriseProjectRequest{EnterpriseProjectId: "0"})
	if err != nil || one.EnterpriseProject == nil || one.EnterpriseProject.Name != "default" || one.EnterpriseProject.Status != 1 {
		t.Errorf("shown %s, %v", one, err)
	}
	_, err = c.ShowEnterpriseProject(&epsmodel.ShowEnterpriseProjectRequest{EnterpriseProjectId: "7"})
	wantStatus(t, "unknown", err, 404)
}

// endedToken is a token that was good until its holder ended it.
func endedToken(t *testing.T, s *server) string {
	t.Helper()
	token := rescoped(t, s)
	h := connect(t, s, &byToken{token, s.project}, nil)
	if len(images(t, h, "private_image")) == 0 {
		t.Error("nothing to see with a token got by a token")
	}
	end(t, s, token)
	return token
}

// rescoped is a token that was got by another one.
func rescoped(t *testing.T, s *server) string {
	t.Helper()
	got, err := tokenIdentity(t, s, "").KeystoneCreateScopedToken(&iammodel.KeystoneCreateScopedTokenRequest{
		Body: &iammodel.KeystoneCreateScopedTokenRequestBody{Auth: &iammodel.ScopedTokenAuth{
			Identity: &iammodel.ScopedTokenIdentity{Methods: []string{"token"}, Token: &iammodel.ScopedToken{Id: s.token}},
			Scope:    &iammodel.TokenSocpeOption{Project: &iammodel.ScopeProjectOption{Id: &s.project}},
		}},
	})
	if err != nil || got.XSubjectToken == nil || got.Token == nil || got.Token.Project.Id != s.project || *got.XSubjectToken == s.token {
		t.Fatalf("%s, %v", got, err)
	}
	return *got.XSubjectToken
}

// end ends a token; the vendor's client has no operation for that.
func end(t *testing.T, s *server, token string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.endpoint+"/v3/auth/tokens", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", s.token)
	r.Header.Set("X-Subject-Token", token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("end a token: %s", resp.Status)
	}
}

// TestSealRotation: what clients hold is good after the sealing key was rotated.
func TestSealRotation(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	c := connect(t, s, byKey(t, s.access, s.secret, s.project), nil)
	before := len(images(t, c, "private_image"))
	access := s.access
	busy := exec.Command(binary, "seal", "rotate", "--data", filepath.Join(data, "demo"))
	if out, err := busy.CombinedOutput(); err == nil {
		t.Fatalf("rotated under a running server: %s", out)
	}
	s.stop(t)
	for range 2 {
		cmd := exec.Command(binary, "seal", "rotate", "--data", filepath.Join(data, "demo"))
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "sealed 1 secrets") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	s = start(t, data)
	c = connect(t, s, byKey(t, s.access, s.secret, s.project), nil)
	if s.access != access || len(images(t, c, "private_image")) != before {
		t.Errorf("key %s, before %s", s.access, access)
	}
}
