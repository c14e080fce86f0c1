package webhooks

import "github.com/pitboss-hub/pitboss/store/internal/db"

// Statements are those that run often, in a tenant's scope and outside of it.
var Statements = map[string]string{
	"SomebodyListens": `select ` + db.SomebodyListens, "lockTenant": lockTenant, "selectEndpoints": selectEndpoints, "countEndpoints": countEndpoints,
	"claim": claim, "fence": fence, "fanOut": fanOut, "moveMark": moveMark, "selectBehind": selectBehind, "selectActive": selectActive,
	"selectDue": selectDue, "recordResults": recordResults, "recordHealth": recordHealth, "pauseFailing": pauseFailing, "disableGone": disableGone,
	"promote": promote, "deleteDeliveries": deleteDeliveries, "deleteFacts": deleteFacts, "renewLeases": renewLeases, "takeLeases": takeLeases,
}
