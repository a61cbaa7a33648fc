package secret

// codeRules find tokens of code hosts, package registries and build services.
func codeRules() []Rule {
	return []Rule{
		prefixRule("github-token", "GitHub token", critical, `[0-9A-Za-z]{36,251}`, 3.5, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
		prefixRule("github-fine-grained-token", "GitHub fine-grained token", critical, `[0-9A-Za-z]{22}_[0-9A-Za-z]{59}`, 3.8, "github_pat_"),
		prefixRule("gitlab-token", "GitLab token", critical, `[0-9A-Za-z_-]{20,}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?`, 3.3, "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "gloas-", "glimt-", "glffct-"),
		prefixRule("gitlab-runner-token", "GitLab runner registration token", high, `[0-9A-Za-z_-]{20}`, 3.3, "GR1348941"),
		prefixRule("bitbucket-token", "Bitbucket app password or token", high, `[0-9A-Za-z_=-]{28,}`, 3.5, "ATBB", "ATCTT3xFfGN0"),
		prefixRule("atlassian-token", "Atlassian API token", high, `[0-9A-Za-z_=-]{100,}`, 4, "ATATT3xFfGF0"),
		prefixRule("npm-token", "npm access token", critical, `[0-9A-Za-z]{36}`, 3.5, "npm_"),
		{ID: "npmrc-auth", Title: "credential for a package registry in npm settings", Severity: critical, literals: []string{"_authToken", "_auth", "_password"}, left: `(?:^|[\n:\s"'\\])`,
			match: matchNpmAuth, entropy: 2.5, kinds: kindSettings | kindSource},
		prefixRule("pypi-token", "PyPI token", critical, `[0-9A-Za-z_-]{50,}`, 3.8, "pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"),
		prefixRule("dockerhub-token", "Docker Hub token", critical, `[0-9A-Za-z_-]{27,32}`, 3.5, "dckr_pat_", "dckr_oat_"),
		prefixRule("rubygems-token", "RubyGems API key", critical, `[0-9a-f]{48}`, 3, "rubygems_"),
		delimitedRule("nuget-key", "NuGet API key", high, `[0-9a-z]{43}`, 3.5, "oy2"),
		delimitedRule("crates-token", "crates.io token", high, `[0-9A-Za-z]{32}`, 3.5, "cio"),
		prefixRule("clojars-token", "Clojars token", medium, `[0-9a-z]{60}`, 3.5, "CLOJARS_"),
		prefixRule("circleci-token", "CircleCI token", high, `[0-9A-Za-z]{22}_[0-9a-f]{40}`, 3.5, "CCIPAT_", "CCIPRJ_"),
		prefixRule("buildkite-token", "Buildkite token", high, `[0-9a-f]{40}`, 3, "bkua_"),
		keywordRule("travis-token", "Travis CI token", medium, `[0-9A-Za-z_-]{22}`, 3.3, "travis_token", "travis_api_token", "travis_access_token"),
		keywordRule("codecov-token", "Codecov token", medium, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "codecov_token"),
		prefixRule("sonarqube-token", "SonarQube token", high, `[0-9a-f]{40}`, 3, "squ_", "sqp_", "sqa_"),
		keywordRule("snyk-token", "Snyk token", high, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "snyk_token", "snyk_api_token"),
		prefixRule("sourcegraph-token", "Sourcegraph token", high, `(?:[0-9a-f]{16}_)?[0-9a-f]{40}`, 3, "sgp_"),
		prefixRule("postman-key", "Postman API key", high, `[0-9a-f]{24}-[0-9a-f]{34}`, 3, "PMAK-"),
		prefixRule("linear-key", "Linear API key", medium, `[0-9A-Za-z]{40}`, 3.8, "lin_api_"),
		prefixRule("figma-token", "Figma token", medium, `[0-9A-Za-z_-]{40}`, 3.5, "figd_"),
		prefixRule("notion-token", "Notion token", medium, `[0-9A-Za-z]{43,46}`, 3.8, "ntn_"),
		{ID: "airtable-token", Title: "Airtable token", Severity: medium, literals: []string{"airtable"}, fold: true, left: anywhere, right: `(?i:airtable)[^\n]{0,60}?\bpat[0-9A-Za-z]{14}\.([0-9a-f]{64})` + tokenEnd, entropy: 3},
		prefixRule("readme-key", "ReadMe API key", low, `[0-9a-z]{70}`, 3.5, "rdme_"),
	}
}

// messageRules find tokens of mail, chat and voice services.
func messageRules() []Rule {
	return []Rule{
		prefixRule("slack-token", "Slack token", critical, `[0-9A-Za-z-]{20,250}`, 3, "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.xoxp-", "xoxe.xoxb-"),
		prefixRule("slack-app-token", "Slack app token", critical, `[0-9]-[0-9A-Z]+-[0-9]+-[0-9a-f]{32,}`, 3, "xapp-"),
		{ID: "slack-webhook", Title: "Slack webhook", Severity: high, literals: []string{"hooks.slack.com/"}, left: anywhere, binary: true,
			right: `hooks\.slack\.com/(?:services|workflows|triggers)/([0-9A-Z]{8,12}/[0-9A-Z]{8,12}/[0-9A-Za-z]{20,30})`, entropy: 3.5},
		{ID: "teams-webhook", Title: "Microsoft Teams webhook", Severity: high, literals: []string{"webhook.office.com/"}, left: anywhere, binary: true,
			right: `webhook\.office\.com/webhookb2/([0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})`, entropy: 3},
		{ID: "discord-webhook", Title: "Discord webhook", Severity: high, literals: []string{"/api/webhooks/"}, left: `discord(?:app)?\.com`, binary: true,
			right: `/api/webhooks/([0-9]{17,20}/[0-9A-Za-z_-]{60,72})`, entropy: 3.5},
		{ID: "discord-bot-token", Title: "Discord bot token", Severity: critical, literals: []string{"discord", "bot_token"}, fold: true, left: anywhere,
			right: `(?:[A-Za-z_]{0,30})` + assignment + `(?:Bot )?([MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,38})` + tokenEnd, entropy: 4},
		{ID: "telegram-bot-token", Title: "Telegram bot token", Severity: critical, literals: literalsAfter("0123456789", ":AA"), public: ":AA", left: `(?:^|[^0-9A-Za-z])(?:bot)?[0-9]{7,9}`, binary: true,
			right: `[0-9]:(AA[0-9A-Za-z_-]{33})` + tokenEnd, entropy: 3.8},
		delimitedRule("sendgrid-key", "SendGrid API key", critical, `[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}`, 4, "SG."),
		delimitedRule("mailgun-key", "Mailgun API key", high, `[0-9a-f]{32}`, 3, "key-"),
		keywordRule("mailgun-private-key", "Mailgun API key", high, `[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}`, 3, "mailgun_api_key", "mailgun_key", "mailgun_private_key", "mg_api_key"),
		{ID: "mailchimp-key", Title: "Mailchimp API key", Severity: high, literals: []string{"-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"}, left: `(?:^|[^0-9A-Za-z])([0-9a-f]{32})`, right: `-us[0-9]{1,2}` + tokenEnd, entropy: 3},
		prefixRule("brevo-key", "Brevo API key", high, `[0-9a-f]{64}-[0-9A-Za-z]{16}`, 3, "xkeysib-", "xsmtpsib-"),
		keywordRule("postmark-token", "Postmark server token", high, `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, 3, "postmark_api_token", "postmark_server_token", "postmark_token"),
		keywordRule("twilio-auth-token", "Twilio auth token", critical, `[0-9a-f]{32}`, 3, "twilio_auth_token", "twilio_token", "twilioauthtoken", "twilio_secret"),
		{ID: "twilio-api-key", Title: "Twilio API key", Severity: high, literals: []string{"twilio"}, fold: true, left: anywhere, right: `(?i:twilio)[^\n]{0,60}?\bSK([0-9a-f]{32})` + tokenEnd, entropy: 3},
		keywordRule("nexmo-secret", "Vonage API secret", high, `[0-9A-Za-z]{16}`, 3, "nexmo_api_secret", "vonage_api_secret"),
		prefixRule("dropbox-token", "Dropbox token", high, `[0-9A-Za-z_-]{130,}`, 4, "sl.u.", "sl.B"),
		keywordRule("facebook-token", "Facebook access token", high, `EAA[0-9A-Za-z]{100,}`, 4, "facebook_access_token", "facebook_token", "fb_access_token", "fb_token", "page_access_token", "whatsapp_token"),
		keywordRule("twitter-secret", "Twitter API secret", high, `[0-9A-Za-z]{45,50}`, 4, "twitter_api_secret", "twitter_consumer_secret", "twitter_access_token_secret"),
		keywordRule("okta-token", "Okta API token", high, `00[0-9A-Za-z_-]{40}`, 3.8, "okta_api_token", "okta_token", "okta_client_token"),
		{ID: "mapbox-token", Title: "Mapbox secret token", Severity: medium, literals: []string{"sk.eyJ"}, binary: true, right: `sk\.(eyJ[0-9A-Za-z_-]{40,}\.[0-9A-Za-z_-]{20,})` + tokenEnd, entropy: 3.8},
	}
}

// paymentRules find keys of payment services and shops.
func paymentRules() []Rule {
	return []Rule{
		prefixRule("stripe-live-key", "Stripe live key", critical, `[0-9A-Za-z]{24,247}`, 3.5, "sk_live_", "rk_live_"),
		prefixRule("stripe-test-key", "Stripe test key", low, `[0-9A-Za-z]{24,247}`, 3.5, "sk_test_", "rk_test_"),
		prefixRule("stripe-webhook-secret", "Stripe webhook secret", high, `[0-9A-Za-z]{32,64}`, 3.5, "whsec_"),
		prefixRule("square-token", "Square token", critical, `[0-9A-Za-z_-]{22,43}`, 3.5, "sq0atp-", "sq0csp-", "sq0idp-"),
		prefixRule("square-access-token", "Square access token", critical, `[0-9A-Za-z_-]{59}`, 4, "EAAAE"),
		prefixRule("shopify-token", "Shopify token", critical, `[0-9a-f]{32}`, 3, "shpat_", "shpca_", "shppa_", "shpss_"),
		prefixRule("braintree-token", "Braintree access token", critical, `[0-9a-z]{16}\$[0-9a-f]{32}`, 3, "access_token$production$", "access_token$sandbox$"),
		keywordRule("paypal-secret", "PayPal client secret", critical, `E[0-9A-Za-z_-]{60,90}`, 4, "paypal_client_secret", "paypal_secret"),
		keywordRule("easypost-key", "EasyPost API key", medium, `EZ[AT]K[0-9A-Za-z]{54}`, 3.8, "easypost_api_key", "easypost_key", "easypost_token"),
		prefixRule("flutterwave-key", "Flutterwave secret key", high, `[0-9A-Za-z]{32}-X`, 3.5, "FLWSECK-", "FLWSECK_TEST-"),
		prefixRule("razorpay-key", "Razorpay live key", medium, `[0-9A-Za-z]{14}`, 3, "rzp_live_"),
		keywordRule("coinbase-secret", "Coinbase API secret", high, `[0-9A-Za-z/+=]{32,90}`, 3.8, "coinbase_api_secret", "coinbase_secret"),
	}
}

// modelRules find keys of services that run language models.
func modelRules() []Rule {
	return []Rule{
		{ID: "openai-key", Title: "OpenAI API key", Severity: critical, literals: []string{"T3BlbkFJ"}, left: `(?:^|[^0-9A-Za-z_-])sk-(?:proj-|svcacct-|admin-)?[0-9A-Za-z_-]{20,200}`, binary: true,
			right: `T3BlbkFJ([0-9A-Za-z_-]{20,})` + tokenEnd, entropy: 3.5},
		prefixRule("anthropic-key", "Anthropic API key", critical, `(?:api03|admin01|oat01|ort01)-[0-9A-Za-z_-]{80,120}`, 4, "sk-ant-"),
		delimitedRule("huggingface-token", "Hugging Face token", high, `[A-Za-z]{34,37}`, 3.8, "hf_"),
		prefixRule("groq-key", "Groq API key", high, `[0-9A-Za-z]{52}`, 4, "gsk_"),
		delimitedRule("replicate-token", "Replicate token", high, `[0-9A-Za-z]{37}`, 3.8, "r8_"),
		prefixRule("xai-key", "xAI API key", high, `[0-9A-Za-z]{70,90}`, 4, "xai-"),
		prefixRule("perplexity-key", "Perplexity API key", high, `[0-9A-Za-z]{48}`, 3.8, "pplx-"),
		prefixRule("openrouter-key", "OpenRouter API key", high, `[0-9a-f]{64}`, 3, "sk-or-v1-"),
		prefixRule("langsmith-key", "LangSmith API key", medium, `[0-9a-f]{32}_[0-9a-f]{10}`, 3, "lsv2_pt_", "lsv2_sk_"),
		keywordRule("model-service-key", "API key of a service for language models", high, `(?:sk-)?[0-9A-Za-z_-]{32,64}`, 3.5, "mistral_api_key", "deepseek_api_key", "cohere_api_key", "co_api_key", "together_api_key", "dashscope_api_key", "moonshot_api_key", "elevenlabs_api_key", "openai_api_key"),
	}
}

// monitoringRules find keys of services that collect logs, metrics and errors.
func monitoringRules() []Rule {
	return []Rule{
		prefixRule("grafana-service-token", "Grafana service account token", high, `[0-9A-Za-z]{32}_[0-9a-f]{8}`, 3.8, "glsa_"),
		prefixRule("grafana-cloud-token", "Grafana Cloud token", high, `[0-9A-Za-z+/=]{32,400}`, 3.8, "glc_eyJ"),
		prefixRule("grafana-api-key", "Grafana API key", high, `[0-9A-Za-z+/=]{60,400}`, 3.8, "eyJrIjoi"),
		keywordRule("datadog-api-key", "Datadog API key", high, `[0-9a-f]{32}`, 3, "dd_api_key", "datadog_api_key", "datadogapikey"),
		keywordRule("datadog-app-key", "Datadog application key", high, `[0-9a-f]{40}`, 3, "dd_app_key", "dd_application_key", "datadog_app_key", "datadog_application_key"),
		prefixRule("newrelic-key", "New Relic key", high, `[0-9A-Za-z_-]{27,32}`, 3.5, "NRAK-", "NRII-", "NRIQ-"),
		{ID: "newrelic-license-key", Title: "New Relic license key", Severity: medium, literals: []string{"FFFFNRAL"}, left: `(?:^|[^0-9A-Za-z])([0-9a-f]{32})`, right: `FFFFNRAL` + tokenEnd, entropy: 3},
		prefixRule("sentry-token", "Sentry token", high, `(?:eyJ[0-9A-Za-z+/=_-]{40,}|[0-9a-f]{64})`, 3, "sntrys_", "sntryu_"),
		prefixRule("dynatrace-token", "Dynatrace token", high, `[0-9A-Z]{24}\.[0-9A-Z]{64}`, 3.8, "dt0c01.", "dt0s01.", "dt0s16."),
		prefixRule("honeycomb-key", "Honeycomb key", medium, `[0-9a-z]{58,64}`, 3.5, "hcaik_", "hcxik_", "hcxlk_"),
		keywordRule("pagerduty-key", "PagerDuty key", high, `[0-9A-Za-z_+-]{20,32}`, 3.3, "pagerduty_api_key", "pagerduty_token", "pd_api_key", "pagerduty_routing_key"),
		keywordRule("splunk-token", "Splunk HTTP event collector token", high, `[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`, 3, "splunk_token", "splunk_hec_token"),
		delimitedRule("adafruit-key", "Adafruit IO key", low, `[0-9A-Za-z]{28}`, 3.5, "aio_"),
	}
}
