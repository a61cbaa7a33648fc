package client_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/analysis"
	"plimsoll/client"
	"plimsoll/server"
)

// TestMain makes the test binary a child that analyses layers, when the server of the examples starts it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == analysis.ChildCommand {
		if err := analysis.ServeChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	stopDemo()
	os.Exit(code)
}

// demo is a server with the sample images, which the first example starts.
var demo struct {
	sync.Mutex
	config client.Config
	stop   func()
}

func stopDemo() {
	if demo.stop != nil {
		demo.stop()
	}
}

// demoConfig names the server with the sample images and its administrator.
func demoConfig() client.Config {
	demo.Lock()
	defer demo.Unlock()
	if demo.stop == nil {
		var err error
		if demo.config, demo.stop, err = startDemo(context.Background()); err != nil {
			panic(err)
		}
	}
	return demo.config
}

func startDemo(ctx context.Context) (config client.Config, stop func(), err error) {
	dir, err := os.MkdirTemp("", "plimsoll-client-")
	if err != nil {
		return config, nil, err
	}
	samples, err := app.StartSamples(ctx, filepath.Join(dir, "samples"))
	if err != nil {
		return config, nil, err
	}
	c := app.DefaultConfig()
	c.Data, c.AllowHosts = filepath.Join(dir, "data"), []string{samples.Host()}
	site, err := app.Open(ctx, c)
	if err != nil {
		return config, nil, err
	}
	serverConfig := server.DefaultConfig()
	serverConfig.Listen = "127.0.0.1:0"
	running, err := server.Start(ctx, site, serverConfig)
	if err != nil {
		return config, nil, err
	}
	stop = func() {
		running.Stop()
		running.Wait()
		site.Close()
		samples.Close()
		os.RemoveAll(dir)
	}
	if err := site.ImportSamples(ctx); err != nil {
		return config, stop, err
	}
	if err := site.SyncSamples(ctx, samples, nil); err != nil {
		return config, stop, err
	}
	return client.Config{Endpoint: running.URL, User: site.FirstUser.User.Name, Password: site.FirstUser.Password}, stop, nil
}

// Sign in with a password and list images.
func Example() {
	ctx := context.Background()
	c, err := client.New(ctx, demoConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page, err := c.Images(ctx, plimsoll.ImageFilter{Namespace: "shop", Name: "web", Limit: 50})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, i := range page.Items {
		fmt.Printf("%s:%s has %d vulnerabilities\n", i.Repository, i.Tag, i.Counts.Vulnerabilities)
	}
	// Output:
	// shop/web:1.5.0 has 0 vulnerabilities
	// shop/web:1.4.0 has 4 vulnerabilities
}

// Errors have the code that the server answered with.
func ExampleNew_wrongPassword() {
	config := demoConfig()
	config.Password = "guessed"
	_, err := client.New(context.Background(), config)
	fmt.Println(plimsoll.ErrorCode(err))
	// Output: unauthenticated
}

// Read a registry, and wait for the scans of what is new in it.
func ExampleClient_Sync() {
	ctx := context.Background()
	c, err := client.New(ctx, demoConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	task, err := c.Sync(ctx, "demo", func(plimsoll.Task) {})
	fmt.Println(task.Kind, task.State, task.Failed, err)
	// Output: sync finished 0 <nil>
}

// Explain a finding, and accept it for a month.
func ExampleClient_AddDecision() {
	ctx := context.Background()
	c, err := client.New(ctx, demoConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page, err := c.Images(ctx, plimsoll.ImageFilter{Namespace: "shop", Name: "web", Tag: "1.4.0", Limit: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	image := page.Items[0]
	explained, err := c.Explain(ctx, image, "CVE-2099-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range explained.Findings {
		fmt.Printf("%s in %s %s is fixed in %s\n", f.ID, f.Package.Name, f.Package.Version, f.FixedVersion)
	}
	made, err := c.AddDecision(ctx, plimsoll.Decision{
		Kind: plimsoll.FindingVulnerability, Finding: "CVE-2099-1001", Status: plimsoll.StatusAccepted,
		Scope:  plimsoll.DecisionScope{RegistryID: image.RegistryID, Repository: image.Repository, Tag: image.Tag},
		Reason: "not reachable", ExpiresAt: time.Now().AddDate(0, 1, 0),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err = c.Images(ctx, plimsoll.ImageFilter{IDs: []int64{image.ID}, Limit: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %d vulnerabilities, before %d\n", made.Status, page.Items[0].Counts.Vulnerabilities, image.Counts.Vulnerabilities)
	fmt.Println(c.RemoveDecision(ctx, made.ID))
	// Output:
	// CVE-2099-1001 in libssl3 3.0.11-1~deb12u2 is fixed in 3.0.13-1~deb12u1
	// accepted: 3 vulnerabilities, before 4
	// <nil>
}

// Add a user and an access key of the user.
func ExampleClient_AddUser() {
	ctx := context.Background()
	c, err := client.New(ctx, demoConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	u, err := c.AddUser(ctx, "ci", "a long enough password", []plimsoll.Grant{{Role: plimsoll.RoleEditor}})
	if err != nil {
		fmt.Println(err)
		return
	}
	access, secret, err := c.CreateKey(ctx, u.Name, "pipeline")
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := c.Keys(ctx, u.Name)
	fmt.Println(u.Name, u.Grants[0].Role, len(keys), keys[0].Access == access, secret != "", err)
	fmt.Println(c.RemoveUser(ctx, u.Name))
	// Output:
	// ci editor 1 true true <nil>
	// <nil>
}
