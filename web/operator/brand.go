package operator

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Brand answers with how the casino's pages look.
func (a *API) Brand(c echo.Context) error {
	return api.AnswerTagged(c, api.TenantOf(c).Brand)
}

// SetBrand sets the name and the style of the casino's pages; what is left out is Pitboss's own. The logo
// stays. It answers with the brand.
func (a *API) SetBrand(c echo.Context) error {
	var in struct {
		Name   strict.Line   `json:"name,omitempty"`
		Style  tenancy.Style `json:"style"`
		Reason strict.Line   `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	return a.changeBrand(c, in.Reason, func(b *tenancy.BrandDraft) error {
		b.Name, b.Style = in.Name, in.Style
		return nil
	})
}

// SetLogo sets the casino's logo, or takes it away if the image is empty. It answers with the brand.
func (a *API) SetLogo(c echo.Context) error {
	var in struct {
		Image  encoded     `json:"image"`
		Reason strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	return a.changeBrand(c, in.Reason, func(b *tenancy.BrandDraft) error { return b.SetLogo(in.Image) })
}

func (a *API) changeBrand(c echo.Context, reason strict.Line, change func(*tenancy.BrandDraft) error) error {
	if err := checkReason(&reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	by := tenancy.BrandChange{Reason: reason, Actor: api.OwnerOf(c), Origin: api.OriginOf(c)}
	brand, err := a.store.Brands.Change(ctx, api.TenantOf(c).ID, by, func(b *tenancy.BrandDraft) error {
		if err := api.CheckMatch(c, b.Brand); err != nil {
			return err
		}
		return change(b)
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, brand)
}

// encoded is a file as base64 has it in JSON.
type encoded []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *encoded) UnmarshalText(text []byte) error {
	file, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return errors.New("want base64 (RFC 4648 §4)")
	}
	*e = file
	return nil
}
