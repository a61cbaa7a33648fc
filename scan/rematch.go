package scan

import "plimsoll/rematch"

type Rematcher = rematch.Rematcher
