package secret

// cloudRules find keys of cloud providers.
func cloudRules() []Rule {
	return []Rule{
		prefixRule("aws-access-key-id", "AWS access key id", high, `[A-Z2-7]{16}`, 2.7, "AKIA", "ASIA", "ABIA", "ACCA"),
		keywordRule("aws-secret-access-key", "AWS secret access key", critical, `[A-Za-z0-9/+]{40}`, 4, "aws_secret_access_key", "aws_secret_key", "secretaccesskey", "aws_secret", "awssecretkey"),
		keywordRule("aws-session-token", "AWS session token", high, `[A-Za-z0-9/+]{100,}={0,2}`, 4, "aws_session_token", "aws_security_token"),
		prefixRule("aws-mws-token", "Amazon Marketplace token", high, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "amzn.mws."),
		prefixRule("aws-bedrock-key", "Amazon Bedrock API key", high, `[A-Za-z0-9+/]{85,260}={0,2}`, 4, "ABSKQmVkcm9ja0FQSUtleS"),
		{ID: "gcp-service-account", Title: "Google Cloud service account key", Severity: critical, literals: []string{`"private_key_id"`}, left: anywhere,
			right: `"private_key_id"\s{0,8}:\s{0,8}"([0-9a-f]{40})"`, entropy: 3},
		prefixRule("gcp-api-key", "Google API key", high, `[0-9A-Za-z_-]{33}`, 4, "AIzaSy"),
		prefixRule("gcp-oauth-secret", "Google OAuth client secret", high, `[0-9A-Za-z_-]{28}`, 3.5, "GOCSPX-"),
		prefixRule("gcp-oauth-token", "Google OAuth access token", high, `[0-9A-Za-z_-]{30,}`, 3.8, "ya29."),
		prefixRule("gcp-refresh-token", "Google OAuth refresh token", high, `[0-9A-Za-z_-]{40,}`, 3.8, "1//0"),
		{ID: "azure-storage-key", Title: "Azure storage or Cosmos DB account key", Severity: critical, literals: []string{"AccountKey="}, left: anywhere, binary: true,
			right: `AccountKey=([A-Za-z0-9+/]{86}==)`, entropy: 4.5, check: notEmulator},
		{ID: "azure-shared-access-key", Title: "Azure shared access key", Severity: high, literals: []string{"SharedAccessKey="}, left: anywhere, binary: true,
			right: `SharedAccessKey=([A-Za-z0-9+/]{43}=)`, entropy: 4},
		{ID: "azure-client-secret", Title: "Microsoft Entra client secret", Severity: critical, literals: []string{"8Q~", "7Q~"},
			left: `(?:^|[^0-9A-Za-z_~.-])[0-9A-Za-z_~.-]{3}`, right: `[78]Q~([0-9A-Za-z_~.-]{31,34})` + tokenEnd, entropy: 3.8},
		{ID: "azure-sas", Title: "Azure shared access signature", Severity: high, literals: []string{"&sig=", "?sig="}, left: anywhere,
			right: `[&?]sig=([A-Za-z0-9%]{43,63}%3[Dd])`, entropy: 4},
		{ID: "azure-devops-pat", Title: "Azure DevOps personal access token", Severity: critical, literals: []string{"AZDO"}, left: `(?:^|[^0-9A-Za-z])([0-9A-Za-z]{76})`,
			right: `AZDO[0-9A-Za-z]{4}` + tokenEnd, entropy: 4},
		{ID: "azure-service-key", Title: "Azure service key", Severity: high, literals: []string{"+ACR", "AzCa", "AzSe", "AzFu", "+ASt", "+AEh", "AIoT"}, left: `(?:^|[^0-9A-Za-z+/])([0-9A-Za-z+/_-]{33,80})`,
			right: `(?:\+ACR[0-9A-Za-z+/]{6}|Az(?:Ca|Se|Fu)[0-9A-Za-z+/_-]{4,6}|(?:\+ASt|\+AEh|AIoT)[0-9A-Za-z+/]{4,6})={0,2}` + tokenEnd, entropy: 4},
		keywordRule("huawei-cloud-secret-key", "Huawei Cloud secret access key", critical, `[0-9A-Za-z]{40}`, 4, "huaweicloud_sdk_sk", "hw_secret_key", "huaweicloud_secret_key", "huawei_secret_key", "hwcloud_sk", "hwc_sk", "obs_secret_access_key", "obs_secret_key", "os_secret_key"),
		keywordRule("huawei-cloud-access-key", "Huawei Cloud access key id", high, `[0-9A-Z]{20}`, 3, "huaweicloud_sdk_ak", "hw_access_key", "huaweicloud_access_key", "huawei_access_key", "hwcloud_ak", "hwc_ak", "obs_access_key_id", "obs_access_key", "os_access_key"),
		prefixRule("alibaba-access-key-id", "Alibaba Cloud access key id", high, `[0-9A-Za-z]{12,24}`, 3, "LTAI"),
		keywordRule("alibaba-access-key-secret", "Alibaba Cloud access key secret", critical, `[0-9A-Za-z]{30}`, 3.8, "accesskeysecret", "access_key_secret", "alicloud_secret_key", "aliyun_secret", "access-key-secret"),
		prefixRule("tencent-secret-id", "Tencent Cloud secret id", high, `[0-9A-Za-z]{32}`, 3.8, "AKID"),
		keywordRule("tencent-secret-key", "Tencent Cloud secret key", critical, `[0-9A-Za-z]{32}`, 3.8, "tencentcloud_secret_key", "tencent_secret_key", "qcloud_secret_key"),
		prefixRule("digitalocean-token", "DigitalOcean token", critical, `[0-9a-f]{64}`, 3, "dop_v1_", "doo_v1_", "dor_v1_"),
		prefixRule("yandex-cloud-key", "Yandex Cloud API key", high, `[0-9A-Za-z_-]{35,38}`, 3.8, "AQVN"),
		keywordRule("ibm-cloud-key", "IBM Cloud API key", high, `[0-9A-Za-z_-]{44}`, 4, "ibmcloud_api_key", "ibm_cloud_api_key", "ic_api_key"),
		keywordRule("scaleway-secret-key", "Scaleway secret key", high, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "scw_secret_key"),
		keywordRule("hetzner-token", "Hetzner Cloud token", high, `[0-9A-Za-z]{64}`, 4, "hcloud_token", "hetzner_token", "hetzner_api_token"),
		keywordRule("linode-token", "Linode token", high, `[0-9a-f]{64}`, 3, "linode_token", "linode_cli_token", "linode_api_token"),
		keywordRule("cloudflare-token", "Cloudflare API token", high, `[0-9A-Za-z_-]{37,40}`, 3, "cloudflare_api_token", "cf_api_token", "cloudflare_api_key", "cf_api_key", "cloudflare_token"),
		prefixRule("cloudflare-origin-ca", "Cloudflare origin CA key", high, `[0-9a-f]{24}-[0-9a-f]{146}`, 3, "v1.0-"),
		keywordRule("oracle-ocir-token", "Oracle Cloud auth token", medium, `[^\s"']{20}`, 3.5, "oci_auth_token", "ocir_password"),
		keywordRule("backblaze-key", "Backblaze application key", high, `K00[0-9][0-9A-Za-z/+]{27}`, 3.5, "b2_application_key", "b2_app_key"),
	}
}

// platformRules find tokens of hosting and infrastructure services.
func platformRules() []Rule {
	return []Rule{
		prefixRule("heroku-token", "Heroku API token", high, `AA[0-9A-Za-z_-]{58}`, 3.8, "HRKU-"),
		keywordRule("heroku-key", "Heroku API key", high, `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`, 3, "heroku_api_key", "heroku_api_token"),
		prefixRule("netlify-token", "Netlify token", high, `[0-9A-Za-z]{36}`, 3.8, "nfp_"),
		keywordRule("vercel-token", "Vercel token", high, `[0-9A-Za-z]{24}`, 3.5, "vercel_token", "now_token"),
		prefixRule("supabase-token", "Supabase token", high, `[0-9a-f]{40}`, 3, "sbp_"),
		prefixRule("planetscale-token", "PlanetScale token or password", high, `[0-9A-Za-z_.=-]{32,64}`, 3.5, "pscale_tkn_", "pscale_pw_", "pscale_oauth_"),
		prefixRule("databricks-token", "Databricks token", high, `[0-9a-f]{32}(?:-[0-9])?`, 3, "dapi"),
		prefixRule("doppler-token", "Doppler token", high, `[0-9A-Za-z.]{40,60}`, 3.8, "dp.pt.", "dp.st.", "dp.ct.", "dp.sa."),
		prefixRule("fly-token", "Fly.io token", high, `[0-9A-Za-z_/+=,-]{43,}`, 3.8, "fo1_", "fm2_", "fm1r_"),
		prefixRule("vault-token", "HashiCorp Vault token", critical, `[0-9A-Za-z_-]{24,}`, 3.5, "hvs.", "hvb.", "hvr."),
		keywordRule("vault-token-legacy", "HashiCorp Vault token", critical, `[sbr]\.[0-9A-Za-z]{24}`, 3.5, "vault_token"),
		{ID: "terraform-cloud-token", Title: "Terraform Cloud token", Severity: critical, literals: []string{".atlasv1."}, left: `(?:^|[^0-9A-Za-z])[0-9A-Za-z]{14}`, binary: true,
			right: `\.atlasv1\.([0-9A-Za-z_=-]{60,70})` + tokenEnd, entropy: 3.8},
		keywordRule("consul-token", "HashiCorp Consul or Nomad token", high, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "consul_http_token", "nomad_token", "consul_token"),
		prefixRule("pulumi-token", "Pulumi token", high, `[0-9a-f]{40}`, 3, "pul-"),
		prefixRule("tailscale-key", "Tailscale key", high, `(?:auth|api|client|scim|webhook)-[0-9A-Za-z]{8,}(?:CNTRL)?-[0-9A-Za-z]{16,}`, 3.5, "tskey-"),
		prefixRule("onepassword-service-account", "1Password service account token", critical, `[0-9A-Za-z_+/=-]{100,}`, 4, "ops_eyJ"),
		delimitedRule("infracost-key", "Infracost API key", medium, `[0-9A-Za-z]{32}`, 3.5, "ico-"),
		keywordRule("ngrok-token", "ngrok token", medium, `[0-9A-Za-z]{20,30}_[0-9A-Za-z]{18,24}`, 3.8, "ngrok_authtoken", "authtoken"),
		prefixRule("prefect-token", "Prefect token", medium, `[0-9a-zA-Z]{36}`, 3.5, "pnu_", "pnb_"),
		prefixRule("artifactory-key", "Artifactory API key", high, `[0-9A-Za-z]{60,75}`, 3.8, "AKCp5", "AKCp8", "AKCp2", "AKCp7"),
		prefixRule("artifactory-reference-token", "Artifactory reference token", high, `[0-9A-Za-z]{56}`, 3.8, "cmVmdGtu"),
		prefixRule("openshift-token", "OpenShift token", high, `[0-9A-Za-z_-]{43}`, 3.8, "sha256~"),
	}
}

// notEmulator refuses the well-known account key of storage emulators.
func notEmulator(secret []byte) bool {
	const known = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"
	return len(secret) < len(known) || string(secret[:len(known)]) != known
}
