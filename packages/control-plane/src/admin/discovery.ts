/** What kubectl asks before it does anything: which groups, versions and resources there are. */

import { apiGroup, apiVersion, apiVersionName, kinds } from "@sluice/api";

const version = { groupVersion: apiVersion, version: apiVersionName };
const group = { name: apiGroup, versions: [version], preferredVersion: version };

/** Of Kubernetes itself: kubectl sends by it what it may expect of the server. */
export const serverVersion = { major: "1", minor: "36", gitVersion: "v1.36.0-sluice", platform: "sluice" };

/** `GET /api`: the group without a name. It has no version here: kubectl takes an empty one for a failure. */
export const coreVersions = { kind: "APIVersions", versions: [], serverAddressByClientCIDRs: [] };

export const apiGroups = { kind: "APIGroupList", apiVersion: "v1", groups: [group] };
export const ownGroup = { kind: "APIGroup", apiVersion: "v1", ...group };

const verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
export const ownResources = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: apiVersion,
  resources: kinds.flatMap(({ plural, singular, shortName, kind, categories }) => [
    { name: plural, singularName: singular, namespaced: true, kind, verbs, shortNames: [shortName], categories },
    { name: `${plural}/status`, singularName: "", namespaced: true, kind, verbs: ["get"] },
  ]),
};
