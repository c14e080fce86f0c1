package operator_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// TestApprovals shares a casino whose credits above 1,000 need a second person.
func TestApprovals(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	storetest.NeedApproval(t, c.Store, c.Admin, c.Tenant.ID, 1000)
	for name, test := range map[string]func(*testing.T, *webtest.Casino){
		"LetEveryRoleAnswerWhatItMayAndNoMore":        answersAreForTheirRoles,
		"AreShownInPagesByStateAndAnsweredOnce":       approvalsInPages,
		"AreOfNobodyElsesCasinoAndNotOfASuspendedOne": approvalsOfOthers,
		"AreNeededForAReversalToo":                    reversalsNeedApproval,
		"CountASumAndTellThePlayerOnceItIsAgreedToIt": approvedCreditsAreTold,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c.In(t))
		})
	}
}

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
		"SaysWhatACreditWouldDoAndMakesNoPlayerUnasked": creditsRunDry,
		"ReversesACreditOnceByItsCommandID":             creditsAreReversed,
		"ShowsPlayersInPagesAndWhoIsOnline":             playersInPages,
		"ShowsAListInItsOrderAndWholeAsCSVOrLines":      lists,
		"ShowsRowsInMemoryAsItShowsThoseOfTheDatabase":  listsInMemory,
		"ShowsTheSocketsAndTheirRooms":                  connections,
		"ClosesTheSocketsOfThoseWhoAreKickedOrRevoked":  revocations,
		"SaysHowTheCasinoIsSetUpAndWhatServesIt":        theCasino,
		"CountsTheLimitsThatTheCasinoMetAndNoOthers":    limitsMet,
		"SetsABrandWithinItsBoundsAndTakesItAway":       brands,
		"TellsWhatEndpointsWereToldAndTheirSecretsOnce": webhooksOverHTTP,
		"ShowsTheGamesWithWhatTheirRoomsAreSetBy":       games,
		"AnswersWhatIsNotThereLikeAnythingThatNeverWas": nothingThere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c.In(t))
		})
	}
}
