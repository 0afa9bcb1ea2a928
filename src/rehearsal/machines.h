/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/controllers.h"
G_BEGIN_DECLS

/* Machines of the control plane, their set, and the approver that believes them. */

#define RD_SIM_MACHINES_ALL "/apis/machine.openshift.io/v1beta1/machines"
#define RD_SIM_MACHINES                                                                            \
	"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines"
#define RD_SIM_MACHINE_SETS "/apis/machine.openshift.io/v1/controlplanemachinesets"
#define RD_SIM_MACHINE_SET                                                                         \
	"/apis/machine.openshift.io/v1/namespaces/openshift-machine-api/controlplanemachinesets/"  \
	"cluster"
/* in its metadata: which host is its instance, which a cloud would know */
#define RD_SIM_INSTANCE "rehearsal-instance"

/* a Machine of @host (nullable: one that has to get an instance yet) */
void rd_sim_machine_put(RdSimStore *store, const char *name, const RdSimHost *host, double time);
void rd_sim_catch_up_machine(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_machine_set(RdSimBehind *self, RdSimObject *set);
/* requests of kubelets whose Machine says who they are */
void rd_sim_approve_by_machines(RdSimBehind *self);
G_END_DECLS
