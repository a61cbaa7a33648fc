package client

import (
	"context"
	"net/http"
	"net/url"

	"plimsoll"
)

// Users lists the users of the caller's domain.
func (c *Client) Users(ctx context.Context) ([]plimsoll.User, error) {
	return listAll[plimsoll.User](ctx, c, pathUsers, nil)
}

// AddUser adds a user with grants in the caller's project. Conflict: the name is taken.
func (c *Client) AddUser(ctx context.Context, name, password string, grants []plimsoll.Grant) (u plimsoll.User, err error) {
	own := make([]plimsoll.Grant, len(grants))
	for i, g := range grants {
		g.ProjectID = c.projectID
		own[i] = g
	}
	_, err = c.call(ctx, http.MethodPost, pathUsers, object{"name": name, "password": password, "grants": own}, &u)
	return u, err
}

// SetPassword sets a user's password; the user's tokens end.
func (c *Client) SetPassword(ctx context.Context, name, password string) error {
	_, err := c.call(ctx, http.MethodPut, pathPassword(name), object{"password": password}, nil)
	return err
}

// RemoveUser removes a user with tokens and keys.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodDelete, pathUser(name), nil, nil)
	return err
}

// Keys lists the access keys of a user; "" = the caller.
func (c *Client) Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error) {
	q := url.Values{}
	setGiven(q, "user", user)
	return listAll[plimsoll.AccessKey](ctx, c, pathKeys, q)
}

// CreateKey makes an access key for a user; "" = the caller. The secret is returned this once.
func (c *Client) CreateKey(ctx context.Context, user, description string) (access, secret string, err error) {
	var key struct{ Access, Secret string }
	_, err = c.call(ctx, http.MethodPost, pathKeys, object{"user": user, "description": description}, &key)
	return key.Access, key.Secret, err
}

// RevokeKey revokes an access key of a user; "" = the caller.
func (c *Client) RevokeKey(ctx context.Context, user, access string) error {
	path := pathKey(access)
	if user != "" {
		path += "?user=" + url.QueryEscape(user)
	}
	_, err := c.call(ctx, http.MethodDelete, path, nil, nil)
	return err
}
