package conformance

import (
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/impl"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	hss "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/hss/v5"
)

// byToken are credentials of the vendor's client that send a token. The client has
// such credentials for the identity service only.
type byToken struct{ token, project string }

func (c *byToken) ProcessAuthParams(*impl.DefaultHttpClient, string) (auth.ICredential, error) {
	return c, nil
}

func (c *byToken) ProcessAuthRequest(_ *impl.DefaultHttpClient, r *request.DefaultHttpRequest) (*request.DefaultHttpRequest, error) {
	b := r.Builder().AddAutoFilledPathParam("project_id", c.project)
	if c.token != "" {
		b = b.AddHeaderParam("X-Auth-Token", c.token)
	}
	return b.Build(), nil
}

func byKey(t *testing.T, access, secret, project string) *basic.Credentials {
	t.Helper()
	c, err := basic.NewCredentialsBuilder().WithAk(access).WithSk(secret).WithProjectId(project).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connect makes the vendor's client; http may be nil for its defaults.
func connect(t *testing.T, s *server, c auth.ICredential, http *config.HttpConfig) *hss.HssClient {
	t.Helper()
	b := core.NewHcHttpClientBuilder().WithEndpoint(s.endpoint).WithCredential(c)
	if _, token := c.(*byToken); token {
		b = b.WithCredentialsType("conformance.byToken")
	}
	if http != nil {
		b = b.WithHttpConfig(http)
	}
	built, err := b.SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return hss.NewHssClient(built)
}

func signing(s *signer) *config.HttpConfig {
	return config.DefaultHttpConfig().WithHttpRoundTripper(s)
}

// asEach runs a test as each of the three clients.
func asEach(t *testing.T, s *server, test func(t *testing.T, c *hss.HssClient)) {
	t.Run("token", func(t *testing.T) { test(t, connect(t, s, &byToken{s.token, s.project}, nil)) })
	t.Run("signed", func(t *testing.T) { test(t, connect(t, s, byKey(t, s.access, s.secret, s.project), nil)) })
	t.Run("every header signed", func(t *testing.T) {
		test(t, connect(t, s, byKey(t, "AK", "SK", s.project), signing(&signer{access: s.access, secret: s.secret})))
	})
}
