package secret

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// planted are typical lines of images by kind of file. They follow the way programs and people write them, not the rules.
// Each line contains one secret.
var planted = map[string][]string{
	"app/.env": {
		"DB_PASSWORD={pw}", "POSTGRES_PASSWORD={pw}", "MYSQL_ROOT_PASSWORD={pw}", "REDIS_PASSWORD='{pw}'", `SMTP_PASS="{pw}"`, "export ADMIN_PASSWORD={pw}",
		"JWT_SECRET={32:n}", "SECRET_KEY={50:n}", "DJANGO_SECRET_KEY='{48:n}'", "SESSION_SECRET={64:x}", "APP_KEY=base64:{43:b}=", "NEXTAUTH_SECRET={43:b}=",
		"API_KEY={32:x}", "SENDGRID_API_KEY=SG.{22:w}.{43:w}", "STRIPE_SECRET_KEY=sk_live_{24:n}", "GITHUB_TOKEN=ghp_{36:n}", "AWS_ACCESS_KEY_ID=AKIA{16:2}", "AWS_SECRET_ACCESS_KEY={40:b}",
		"DATABASE_URL=postgresql://shop:{pw}@10.2.0.4:5432/shop", "REDIS_URL=redis://:{24:n}@cache:6379/0", "MONGO_URI=mongodb+srv://root:{pw}@cluster0.ab1cd.mongodb.net/app", "AMQP_URL=amqp://worker:{pw}@mq:5672/%2f",
		"SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T{8:U}/B{10:U}/{24:n}", "OPENAI_API_KEY=sk-{20:n}T3BlbkFJ{20:n}", "ANTHROPIC_API_KEY=sk-ant-api03-{93:w}AA", "HF_TOKEN=hf_{34:A}", "TELEGRAM_TOKEN={10:d}:AA{33:w}",
		"TWILIO_AUTH_TOKEN={32:x}", "DD_API_KEY={32:x}", "MAILGUN_KEY=key-{32:x}", "VAULT_TOKEN=hvs.{95:w}", "NPM_TOKEN=npm_{36:n}", "CI_JOB_TOKEN={40:n}", "ENCRYPTION_KEY={64:x}", "OSS_ACCESS_KEY_SECRET={30:n}", "HUAWEICLOUD_SDK_SK={40:n}",
	},
	"opt/app/config/application.yml": {
		"    password: {pw}", `    password: "{pw}"`, "  db_password: '{pw}'", "  secret-key: {40:n}", "    client-secret: {40:n}", "  api-key: {32:x}", `  apiKey: "{39:n}"`, "  auth_token: {40:n}", "  url: jdbc:mysql://db:3306/a?user=app&password={pw}",
		"    accessKey: AKIA{16:2}", "    secretKey: {40:b}", "  token: glpat-{20:w}", "  uri: mongodb://app:{pw}@mongo-0.corp.internal:27017/app", "  broker: amqps://svc:{pw}@mq.corp.internal", "    keystore-password: {pw}", "  jwt-secret: {64:n}", "  encryptionKey: {44:n}",
	},
	"opt/app/config.json": {
		`  "password": "{pw}",`, `  "dbPassword": "{pw}",`, `  "client_secret": "{32:n}",`, `  "apiKey": "{32:n}",`, `  "token": "{40:x}",`, `  "secretAccessKey": "{40:b}",`, `  "botToken": "xoxb-{11:d}-{12:d}-{24:n}",`, `  "privateKey": "-----BEGIN RSA PRIVATE KEY-----\n{64:b}\n{64:b}\n{64:b}\n",`,
		`  "connectionString": "Server=tcp:sql.corp.internal;Initial Catalog=shop;User ID=sa;Password={pw};"`, `  "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a1;AccountKey={86:b}==;EndpointSuffix=core.windows.net",`, `  "refresh_token": "{45:w}",`, `  "accessToken": "ya29.{80:w}",`,
	},
	"srv/app/settings.py": {
		`SECRET_KEY = "{50:n}"`, `    "PASSWORD": "{pw}",`, `DB_PASSWORD = '{pw}'`, `api_key = "{32:x}"`, `client = Client(api_key="{40:n}")`, `AWS_SECRET_ACCESS_KEY = "{40:b}"`, `SQLALCHEMY_DATABASE_URI = "mysql+pymysql://root:{pw}@db.corp.internal/app"`, `openai.api_key = "sk-proj-{60:w}T3BlbkFJ{60:w}"`, `stripe.api_key = "rk_live_{40:n}"`, `conn = connect(host="db", password="{pw}7Q")`, `TOKEN = "{10:d}:AA{33:w}"`,
	},
	"srv/app/index.js": {
		`const apiKey = "AIzaSy{33:w}";`, `  password: "{pw}7Q",`, `const client = twilio("AC{32:x}", authToken = "{32:n}");`, `  clientSecret: '{40:n}',`, `process.env.JWT_SECRET = "{48:n}";`, `  secretAccessKey: "{40:b}",`, `const token = 'ghp_{36:n}';`, `const token = '{24:A}';`, "fs.writeFileSync('.npmrc', '//npm.corp.internal/:_authToken={32:n}\\n');", `mongoose.connect("mongodb://admin:{pw}7@mongo.corp.internal/app")`, `const stripe = require('stripe')('sk_live_{24:n}')`, `app.use(session(«secret: "{32:n}"»))`,
	},
	"srv/app/Main.java":          {`  private static final String PASSWORD = "{pw}7Q";`, `  String apiKey = "{32:n}";`, `  DriverManager.getConnection("jdbc:postgresql://app:{pw}7@db.corp.internal/app")`, `  credentials = new BasicAWSCredentials("AKIA{16:2}", k);`, `  private String clientSecret = "{36:n}";`, `  String accessKeySecret = "{30:n}";`},
	"srv/app/main.go":            {`const apiToken = "{40:n}"`, `	Password: "{pw}7Q",`, `	dsn := "postgres://app:{pw}7@db.corp.internal/app"`, `var secretKey = "{44:n}"`, `	client.SetToken("hvs.{95:w}")`},
	"var/www/html/config.php":    {`define('DB_PASSWORD', '{pw}');`, `$db_password = '{pw}7Q';`, `define('AUTH_KEY', '{64:n}');`, `'password' => '{pw}7Q',`, `$apiKey = "{32:n}";`},
	"etc/app/app.ini":            {"password = {pw}", "db_pass={pw}", "smtp_password = {pw}", "secret_key = {40:n}", "api_key={32:x}", "auth_token = {36:n}", "admin_passwd = {pw}", "bind_password = {pw}"},
	"opt/app/app.properties":     {"spring.datasource.password={pw}", "app.jwt.secret={64:n}", "mail.password={pw}", "api.key={32:n}", "keystore.password={pw}", "aws.secretKey={40:b}"},
	"opt/app/main.tf":            {`  password = "{pw}"`, `  secret_key = "{40:b}"`, `  api_token = "dop_v1_{64:x}"`, `  client_secret = "{3:n}8Q~{34:n}"`, `  token = "{14:n}.atlasv1.{67:n}"`},
	"opt/app/web.config":         {`<add name="db" connectionString="Data Source=sql;Initial Catalog=a;User ID=sa;Password={pw};" />`, `<add key="ApiKey" value="AIzaSy{33:w}" />`, `<add key="StorageKey" value="AccountName=a;AccountKey={86:b}==" />`},
	"opt/tomcat/conf/server.xml": {`  <Resource name="jdbc/a" username="a" password="{pw}" />`, `  <Connector keystorePass="{pw}" />`},
	"usr/local/bin/entrypoint.sh": {
		"mysql -u root -p{12:n}7 shop < init.sql", "export PGPASSWORD={12:n}", `curl -u deploy:{16:n} https://nexus.corp.internal/upload`, "docker login -u ci -p {20:n} registry.corp.internal", "sshpass -p {12:n} scp a b:", `curl -H "Authorization: Bearer {48:n}" https://api.corp.internal`, `echo "app:{12:n}" | chpasswd`, "redis-cli -a {20:n} ping", `TOKEN="{40:x}"`, "java -jar a.jar --password={12:n}7", `echo {10:n} | sudo -S reboot`, `wget --http-password={12:n}7 https://files.corp.internal`,
	},
	"build/Dockerfile": {
		"ENV DB_PASSWORD={pw}", "ENV DB_PASSWORD {pw}", "ARG NPM_TOKEN=npm_{36:n}", "RUN git clone https://ci:{20:n}@git.corp.internal/a.git", "ENV AWS_SECRET_ACCESS_KEY={40:b}", "RUN pip install --index-url https://bot:{24:n}@pypi.corp.internal/simple a", "RUN echo 'root:{12:n}' | chpasswd", "ENV API_KEY={32:n}",
	},
	"root/.bash_history":                  {"mysql -uroot -p{12:n}7", "export AWS_SECRET_ACCESS_KEY={40:b}", "export DB_PASS={12:n}7", "git clone https://me:ghp_{36:n}@github.com/a/b", "curl -u admin:{14:n} http://10.0.0.4/", "PASSWORD={12:n}7 ./run.sh", "docker login -u me -p {16:n}"},
	"root/.netrc":                         {"machine api.heroku.com login me@corp.internal password {36:x}", "  password {12:n}"},
	"root/.npmrc":                         {"//npm.corp.internal/:_authToken=npm_{36:n}", "_auth={40:n}==", "//nexus.corp.internal/:_password={24:n}=="},
	"root/.pypirc":                        {"password = pypi-AgEIcHlwaS5vcmc{150:w}", "password: {16:n}"},
	"root/.pgpass":                        {"db.corp.internal:5432:app:app:{12:n}", "*:*:*:postgres:{pw}"},
	"root/.my.cnf":                        {"password={12:n}", `password = "{pw}"`},
	"root/.git-credentials":               {"https://me:{40:x}@github.com", "https://oauth2:glpat-{20:w}@gitlab.com"},
	"root/.aws/credentials":               {"aws_access_key_id = AKIA{16:2}", "aws_secret_access_key = {40:b}", "aws_session_token = {300:b}"},
	"root/.docker/config.json":            {`    "https://index.docker.io/v1/": «"auth": "{b64:bot:Kq7vexing4horse}"»`, `"identitytoken": "{100:n}"`},
	"root/.kube/config":                   {"    client-key-data: {400:n}==", "    token: {64:n}", "    password: {14:n}"},
	"etc/nginx/.htpasswd":                 {"admin:$apr1${8:n}${22:n}", "web:$2y$10${53:n}"},
	"root/.ssh/id_rsa":                    {"-----BEGIN OPENSSH PRIVATE KEY-----\n{armour:6}\n-----END OPENSSH PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\n{armour:6}\n-----END RSA PRIVATE KEY-----"},
	"etc/ssl/private/server.key":          {"-----BEGIN PRIVATE KEY-----\n{armour:4}\n-----END PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----\n{armour:2}\n-----END EC PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{32:X}\n\n{armour:6}\n-----END RSA PRIVATE KEY-----"},
	"home/app/.config/rclone.conf":        {"pass = {32:w}", "secret_access_key = {40:b}"},
	"etc/openvpn/client.ovpn":             {"<key>\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n{armour:4}\n-----END ENCRYPTED PRIVATE KEY-----\n</key>"},
	"etc/wireguard/wg0.conf":              {"PrivateKey = {42:b}A="},
	"etc/ppp/chap-secrets":                {`"vpn" l2tpd "{12:n}" *`},
	"srv/keys/age.txt":                    {"AGE-SECRET-KEY-1{58:g}"},
	"srv/docker-compose.yml":              {"      - POSTGRES_PASSWORD={pw}", "      MYSQL_PASSWORD: {pw}", `      MINIO_ROOT_PASSWORD: "{pw}"`, "      - SECRET_KEY_BASE={128:x}", "      RABBITMQ_DEFAULT_PASS: {pw}", "      GF_SECURITY_ADMIN_PASSWORD: {pw}"},
	"opt/app/prometheus.yml":              {"      password: {pw}", "    bearer_token: {48:n}", "  url: https://metrics:{20:n}@prom.corp.internal/api"},
	"root/.m2/settings.xml":               {"      <password>{pw}</password>", "      <passphrase>{pw}</passphrase>"},
	"root/.gem/credentials":               {":rubygems_api_key: rubygems_{48:x}"},
	"app/config/master.key":               {"{32:x}"},
	"opt/app/serviceaccount.json":         {`  "private_key_id": "{40:x}",`, `  "private_key": "-----BEGIN PRIVATE KEY-----\n{64:b}\n{64:b}\n{64:b}\n-----END PRIVATE KEY-----\n",`},
	"opt/app/logs/app.conf":               {"authorization: Basic {b64:svc:Kq7vexing4}", "x-api-key: {40:n}", "cookie_secret {32:n}"},
	"opt/app/install.ps1":                 {`$password = "{pw}7Q"`, `$env:API_KEY = "{32:n}"`},
	"home/dev/.cargo/credentials.toml":    {`token = "cio{32:n}"`},
	"home/dev/.config/composer/auth.json": {`        "github.com": "ghp_{36:n}"`},
}

func TestPlantedCorpus(t *testing.T) {
	e := newTestEngine(t)
	total, missed := 0, 0
	for i, path := range slices.Sorted(maps.Keys(planted)) {
		for j, line := range planted[path] {
			// Two variants of each line, between lines without secrets.
			for draft := range uint64(2) {
				s := newSynth(uint64(i)<<20 | uint64(j)<<4 | draft)
				text := "# settings of the application\n" + s.text(t, line) + "\n# end\n"
				total++
				if found := scanText(t, e, path, []byte(text)); len(found) == 0 || found[0].Line < 2 {
					missed++
					t.Logf("not found: %s: %s", path, line)
				}
			}
		}
	}
	for id, c := range ruleCases {
		total++
		if found := scanText(t, e, c.file(), []byte("\n"+newSynth(uint64(len(id))).text(t, c.hit)+"\n")); len(found) == 0 {
			missed++
			t.Logf("not found: case of %s", id)
		}
	}
	if total < 200 {
		t.Fatalf("only %d secrets were planted", total)
	}
	recall := float64(total-missed) / float64(total)
	t.Logf("%d planted, %d missed: recall %.1f %%", total, missed, 100*recall)
	if recall < 0.95 {
		t.Errorf("recall %.3f of %d, at least 0.95 is asked", recall, total)
	}
}

// Ordinary lines of the same files contain no secrets.
func TestOrdinaryLines(t *testing.T) {
	e := newTestEngine(t)
	lines := map[string][]string{
		"app/.env":                       {"DB_PASSWORD=", "DB_PASSWORD=$DB_PASSWORD", "DB_PASSWORD=${SECRET}", "PASSWORD_MIN_LENGTH=12", "SECRET_KEY=change-me", "API_KEY=<your key>", "TOKEN_EXPIRY=3600", "PASSWORD_FILE=/run/secrets/db", "password is required when sha256 is used", "token expires after 3600", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AUTH_TOKEN_URL=https://auth.corp.internal/token", "DATABASE_URL=postgres://localhost/app", "DATABASE_URL=postgres://user:pass@localhost/app"},
		"opt/app/config/application.yml": {"    password: ${DB_PASSWORD}", "  password: !vault |", "  password:", "  secretName: my-app-credentials", "  tokenEndpoint: https://a.corp.internal", "  passwordEncoder: bcrypt", "  secret: my-app-secret"},
		"srv/app/settings.py":            {`password = os.environ["DB_PASSWORD"]`, `password = getpass.getpass()`, `def login(user, password=None):`, `token = self.request.headers.get("X-Token")`, `raise ValueError("password: must be set")`, `PASSWORD_HASHERS = "django.contrib.auth.hashers.PBKDF2PasswordHasher"`, `"password": "Enter your password2",`},
		"srv/app/index.js": {`const password = req.body.password;`, `<input type="password" name="password1">`, `token: await getToken()`, `const secret = config.get('secret2');`, `passwordField.value = "x1"`,
			`ACCESS_TOKEN_WITH_AUTH_SCHEME: "AccessToken_With_AuthScheme",`, `lastSignificantToken = "?NonExpressionParenEnd";`, `getTokenByRangeStart: "getTokenByRangeStart",`, `const _password = kdfInputToBytes(password, 'password');`, "const _password = someValueOfAnother", "this._password=derive(password)",
			`let privateB64 = '-----BEGIN OPENSSH PRIVATE KEY-----\n'; let publicB64; /* byte[] magic string ciphername string kdfname string kdfoptions uint32 number of keys */`},
		"build/Dockerfile": {"ARG NPM_TOKEN", "ENV PASSWORD_FILE=/run/secrets/x", "RUN --mount=type=secret,id=npm npm ci", "RUN curl -fsSL https://deb.corp.internal/key.gpg"},
		"srv/ca.pem":       {"-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PRIVATE KEY-----"},
	}
	for path, list := range lines {
		for _, line := range list {
			if found := scanText(t, e, path, []byte(line+"\n")); len(found) > 0 {
				t.Errorf("%s: %q is said to hold %s", path, line, found[0].Rule)
			}
		}
	}
}

func Example() {
	e, err := New()
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("DB_PASSWORD=" + strings.Repeat("Kq7!vexing", 1) + "\n")
	f := e.OpenBytes("app/.env", text)
	e.searchText(text, f.Hit)
	found, _ := f.Close()
	for _, x := range found {
		fmt.Println(x.Path, x.Line, x.Rule, x.Excerpt)
	}
	// Output: app/.env 1 generic-password password: ****
}
