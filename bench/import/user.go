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

// user signs in and asks for tasks, as the API does it, until stopped.
type user struct {
	cancel context.CancelFunc
	ended  chan error
	waits  []time.Duration
}

// pause is between two requests; a sign-in hashes a password for some 20 ms.
const pause = 250 * time.Millisecond

func startUser(ctx context.Context, dir string) (*user, error) {
	inventory, err := sqlite.Inventory(ctx, filepath.Join(dir, "plimsoll-"+strconv.FormatInt(time.Now().UnixNano(), 36)+".db"))
	if err != nil {
		return nil, err
	}
	key, err := seal.New(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	passwords := identity.NewPasswords(4)
	who, _, err := identity.New(inventory, key, passwords, time.Now).Bootstrap(ctx, identity.Names{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	u := &user{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		err := u.work(ctx, auth.New(auth.DefaultConfig(), inventory, passwords, key, time.Now), inventory, who)
		u.ended <- errors.Join(err, inventory.Close())
	}()
	return u, nil
}

func (u *user) work(ctx context.Context, a *auth.Authenticator, inventory *store.Store, who *identity.Credentials) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		began := time.Now()
		in := auth.SignIn{UserID: who.User.ID, Password: who.Password, ProjectID: who.Project.ID, Source: "192.0.2.1"}
		if _, _, _, err := a.SignIn(context.WithoutCancel(ctx), in); err != nil {
			return err
		}
		signedIn := time.Now()
		task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: who.Project.ID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}, Kind: plimsoll.WorkScan, By: "bench"}
		work := plimsoll.Work{
			Tenant: plimsoll.Tenant{ProjectID: who.Project.ID, EnterpriseProject: plimsoll.DefaultEnterpriseProject}, Kind: plimsoll.WorkScan, Key: strconv.Itoa(n),
		}
		if err := inventory.CreateTask(context.WithoutCancel(ctx), &task, []plimsoll.Work{work}); err != nil {
			return err
		}
		u.waits = append(u.waits, signedIn.Sub(began), time.Since(signedIn))
	}
}

func (u *user) stop() ([]time.Duration, error) {
	u.cancel()
	err := <-u.ended
	return u.waits, err
}
