/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/forecast.h"
G_BEGIN_DECLS

/* Inside forecast only: the walk (forecast.c) and the crew that it is walked with
 * (forecast-crew.c). */

/* what a lane has in hand */
typedef struct {
	RdOrder *order;
	RdForecastStep *step; /* (nullable) (unowned) */
	gboolean passed;      /* the real crew has it */
	gboolean vague;	      /* a parameter is a placeholder */
	gboolean unasked;     /* its check failed, so it is not entered */
	guint made;	      /* outputs said here, whose acknowledgements nobody waits for */
	/* of what is entered: what was foreseen before; then it is entered again for each `run`, to
	 * see what is done when that one fails */
	RdForeseen *before;
	guint runs, failing;
	JsonArray *otherwise; /* entries of the pass that is under way */
	char *outcome;
} RdForecastHand;

typedef struct {
	RdCrew crew;
	const RdForecastOptions *options;
	RdRun *run;   /* of this walk */
	gboolean out; /* it was on its way out when the walk began */
	RdForecast *forecast;
	RdForeseen *foreseen;
	GHashTable *hands; /* (element-type utf8 RdForecastHand) by lane */
	/* of the plan's states, taken out meanwhile */
	GPtrArray *gates, *whens, *besides;
	GMainLoop *loop;
	gboolean stopped; /* perhaps before the loop ran */
	GError *error;
} RdForecastCrew;

extern const RdCrewClass rd_forecast_crew_class;
/* what options->crew tells; @data is the RdForecastCrew */
void rd_forecast_reported(const RdReport *report, gpointer data);
void rd_forecast_hand_free(gpointer data);
G_END_DECLS
