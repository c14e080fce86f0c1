package operator_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/web/webtest"
)

// TestTheAPI shares one casino between tests of what operators ask.
func TestTheAPI(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	for name, test := range map[string]func(*testing.T, *webtest.Casino){
		"MakesReplacesAndRevokesAPIKeys":                apiKeys,
		"HasLimitsOfAPIKeysThatAreErrorsAndMetrics":     apiKeyLimits,
		"WritesWhatWasDoneIntoTheAuditLog":              changesAreAudited,
		"RefusesABodyThatCannotBeReadAndDoesNothing":    bodiesThatCannotBeRead,
		"RefusesAMemberThatIsOutOfBoundsByItsName":      membersOutOfBounds,
		"OpensARoomThatPlayersSeeUntilItIsClosed":       roomsOpenAndClose,
		"OpensNoRoomTwiceAndNoneThatItsGameRefuses":     roomsThatAreRefused,
		"VoidsARoundAndGivesTheStakesBack":              roundsAreVoided,
		"CreditsOnceUnderOneIDAndTellsThePlayer":        creditsOnce,
		"ShowsPlayersInPagesAndWhoIsOnline":             playersInPages,
		"ShowsTheSocketsAndTheirRooms":                  connections,
		"ClosesTheSocketsOfThoseWhoAreKickedOrRevoked":  revocations,
		"SetsABrandWithinItsBoundsAndTakesItAway":       brands,
		"ShowsTheGamesWithWhatTheirRoomsAreSetBy":       games,
		"AnswersWhatIsNotThereLikeAnythingThatNeverWas": nothingThere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c.In(t))
		})
	}
}
