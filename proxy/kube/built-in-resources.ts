// The resources that kube-apiserver 1.34 serves by itself, out of its OpenAPI description. The metrics
// know them from the start; any other resource has to be seen in an answer first.

/** For each group and version its resources, each with its subresources behind a slash. */
const RESOURCES: readonly (readonly [groupVersion: string, resources: string])[] = [
  [
    '/v1',
    'bindings componentstatuses configmaps endpoints events limitranges ' +
      'namespaces/finalize,status nodes/proxy,status persistentvolumeclaims/status ' +
      'persistentvolumes/status ' +
      'pods/attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status ' +
      'podtemplates replicationcontrollers/scale,status resourcequotas/status ' +
      'secrets serviceaccounts/token services/proxy,status',
  ],
  [
    'admissionregistration.k8s.io/v1',
    'mutatingwebhookconfigurations validatingadmissionpolicies/status ' +
      'validatingadmissionpolicybindings validatingwebhookconfigurations',
  ],
  [
    'admissionregistration.k8s.io/v1alpha1',
    'mutatingadmissionpolicies mutatingadmissionpolicybindings',
  ],
  [
    'admissionregistration.k8s.io/v1beta1',
    'mutatingadmissionpolicies mutatingadmissionpolicybindings',
  ],
  ['apiextensions.k8s.io/v1', 'customresourcedefinitions/status'],
  ['apiregistration.k8s.io/v1', 'apiservices/status'],
  [
    'apps/v1',
    'controllerrevisions daemonsets/status deployments/scale,status ' +
      'replicasets/scale,status statefulsets/scale,status',
  ],
  ['authentication.k8s.io/v1', 'selfsubjectreviews tokenreviews'],
  [
    'authorization.k8s.io/v1',
    'localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews ' +
      'subjectaccessreviews',
  ],
  ['autoscaling/v1', 'horizontalpodautoscalers/status'],
  ['autoscaling/v2', 'horizontalpodautoscalers/status'],
  ['batch/v1', 'cronjobs/status jobs/status'],
  ['certificates.k8s.io/v1', 'certificatesigningrequests/approval,status'],
  ['certificates.k8s.io/v1alpha1', 'clustertrustbundles podcertificaterequests/status'],
  ['certificates.k8s.io/v1beta1', 'clustertrustbundles'],
  ['coordination.k8s.io/v1', 'leases'],
  ['coordination.k8s.io/v1alpha2', 'leasecandidates'],
  ['coordination.k8s.io/v1beta1', 'leasecandidates'],
  ['discovery.k8s.io/v1', 'endpointslices'],
  ['events.k8s.io/v1', 'events'],
  ['flowcontrol.apiserver.k8s.io/v1', 'flowschemas/status prioritylevelconfigurations/status'],
  ['internal.apiserver.k8s.io/v1alpha1', 'storageversions/status'],
  [
    'networking.k8s.io/v1',
    'ingressclasses ingresses/status ipaddresses networkpolicies ' + 'servicecidrs/status',
  ],
  ['networking.k8s.io/v1beta1', 'ipaddresses servicecidrs/status'],
  ['node.k8s.io/v1', 'runtimeclasses'],
  ['policy/v1', 'poddisruptionbudgets/status'],
  ['rbac.authorization.k8s.io/v1', 'clusterrolebindings clusterroles rolebindings roles'],
  [
    'resource.k8s.io/v1',
    'deviceclasses resourceclaims/status resourceclaimtemplates resourceslices',
  ],
  ['resource.k8s.io/v1alpha3', 'devicetaintrules'],
  [
    'resource.k8s.io/v1beta1',
    'deviceclasses resourceclaims/status resourceclaimtemplates resourceslices',
  ],
  [
    'resource.k8s.io/v1beta2',
    'deviceclasses resourceclaims/status resourceclaimtemplates resourceslices',
  ],
  ['scheduling.k8s.io/v1', 'priorityclasses'],
  [
    'storage.k8s.io/v1',
    'csidrivers csinodes csistoragecapacities storageclasses ' +
      'volumeattachments/status volumeattributesclasses',
  ],
  ['storage.k8s.io/v1alpha1', 'volumeattributesclasses'],
  ['storage.k8s.io/v1beta1', 'volumeattributesclasses'],
  ['storagemigration.k8s.io/v1alpha1', 'storageversionmigrations/status'],
];

/** All of them as `group/version/resource/subresource`; the core group and no subresource are ''. */
export function builtInResources(): Set<string> {
  const names = RESOURCES.flatMap(([groupVersion, resources]) =>
    resources.split(' ').flatMap((word) => {
      const [resource = '', subresources = ''] = word.split('/');
      const below = subresources === '' ? [] : subresources.split(',');
      return ['', ...below].map((subresource) => `${groupVersion}/${resource}/${subresource}`);
    }),
  );
  return new Set(names);
}
