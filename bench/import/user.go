package main

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"plimsoll"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// concurrentUser signs in and creates tasks, as the API does, until it is stopped.
type concurrentUser struct {
	cancel context.CancelFunc
	done   chan error
	waits  []time.Duration // of every sign-in and every new task
}

// requestInterval is the time between two sign-ins; one hashes a password, which takes about 20 ms.
const requestInterval = 250 * time.Millisecond

func startConcurrentUser(ctx context.Context, dir string) (*concurrentUser, error) {
	inventory, err := sqlite.Inventory(ctx, filepath.Join(dir, "plimsoll-"+strconv.FormatInt(time.Now().UnixNano(), 36)+".db"))
	if err != nil {
		return nil, err
	}
	key, err := seal.New(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	passwords := identity.NewPasswords(4)
	credentials, _, err := identity.New(inventory, key, passwords, time.Now).Bootstrap(ctx, identity.Names{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	u := &concurrentUser{cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := u.sendRequests(ctx, auth.New(auth.DefaultConfig(), inventory, passwords, key, time.Now), inventory, credentials)
		u.done <- errors.Join(err, inventory.Close())
	}()
	return u, nil
}

func (u *concurrentUser) sendRequests(ctx context.Context, a *auth.Authenticator, inventory *store.Store, credentials *identity.Credentials) error {
	tick := time.NewTicker(requestInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		began := time.Now()
		in := auth.SignIn{UserID: credentials.User.ID, Password: credentials.Password, ProjectID: credentials.Project.ID, Source: "192.0.2.1"}
		if _, _, _, err := a.SignIn(context.WithoutCancel(ctx), in); err != nil {
			return err
		}
		signedIn := time.Now()
		tenant := plimsoll.Tenant{ProjectID: credentials.Project.ID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}
		task := plimsoll.Task{Tenant: tenant, Kind: plimsoll.WorkScan, By: "bench"}
		work := plimsoll.Work{Tenant: tenant, Kind: plimsoll.WorkScan, Key: strconv.Itoa(n)}
		if err := inventory.CreateTask(context.WithoutCancel(ctx), &task, []plimsoll.Work{work}); err != nil {
			return err
		}
		u.waits = append(u.waits, signedIn.Sub(began), time.Since(signedIn))
	}
}

func (u *concurrentUser) stop() ([]time.Duration, error) {
	u.cancel()
	err := <-u.done
	return u.waits, err
}
