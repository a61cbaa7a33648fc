package findings

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// ImagePackages returns the packages of an image, a row per package and place, by name, version and path; for an index
// those of all its platforms. declared selects the declared packages, which no count includes, instead of the others.
func (s *Store) ImagePackages(ctx context.Context, img plimsoll.Image, declared bool) ([]plimsoll.ListedPackage, error) {
	out := []plimsoll.ListedPackage{}
	err := artifacts.EachMember(ctx, s.db, img, func(tx *sqldb.Tx, m artifacts.Member) error {
		held, err := artifacts.PlacedSets(ctx, tx, m.Artifact)
		if err != nil {
			return err
		}
		layers, err := artifacts.LayersByPosition(ctx, tx, m.Artifact)
		if err != nil {
			return err
		}
		ids := make([]int64, len(held))
		for i, h := range held {
			ids[i] = h.Set
		}
		sets, err := judgement.ReadSets(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, h := range held {
			if declared != (h.Kind == plimsoll.SetDeclared) {
				continue
			}
			for i, p := range sets[h.Set].Packages {
				for _, place := range h.Places[i] {
					out = append(out, plimsoll.ListedPackage{
						Package: p, Platform: m.Platform, Layer: layers[place.Layer], Path: place.Path, OtherPaths: place.Also, Declared: declared,
					})
				}
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b plimsoll.ListedPackage) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Compare(b.Package), strings.Compare(a.Path, b.Path),
			strings.Compare(a.Platform.String(), b.Platform.String()), strings.Compare(string(a.Layer), string(b.Layer)))
	})
	return out, err
}
