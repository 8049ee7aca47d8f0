"""How is a property spelled? A body with every name as the providers' own descriptions write it.

The providers read names without regard to case and show them in their own spelling; templates make use of it
(`ClusterCodeVersion`). What is free form, and what a caller names himself, stays as it is.

Source: the resource types Microsoft.ServiceFabric/clusters 2021-06-01, Microsoft.Compute/virtualMachineScaleSets
2024-11-01 and Microsoft.KeyVault/vaults 2024-11-01 as the vendor publishes them for its tools.
"""

from __future__ import annotations

from typing import Any

_NAMES = """
    accessPolicies actionsRequired additionalCapabilities additionalUnattendContent addOnFeatures adminPassword
    adminUsername allocationStrategy allowExtensionOperations apiVersion applicationDeltaHealthPolicies
    applicationGatewayBackendAddressPools applicationHealthPolicies applicationId applicationPorts
    applicationProfile applicationSecurityGroups applicationTypeVersionsCleanupPolicy assessmentMode
    automaticallyApprove automaticByPlatformSettings automaticOSUpgradePolicy automaticRepairsPolicy
    automaticZoneRebalancingPolicy autoUpgradeMinorVersion auxiliaryMode auxiliarySku availableClusterVersions
    azureActiveDirectory baseRegularPriorityCount billingProfile blobEndpoint bootDiagnostics bypass
    bypassPlatformSafetyChecksOnUserSchedule caching capacities capacity capacityReservation
    capacityReservationGroup certificate certificateCommonName certificateCommonNames certificateIssuerThumbprint
    certificates certificateStore certificateThumbprint certificateUrl clientApplication
    clientCertificateCommonNames clientCertificateThumbprints clientConnectionEndpointPort clientId
    clusterApplication clusterCodeVersion clusterEndpoint clusterId clusterState codeVersion commonNames
    communityGalleryImageId componentName computerNamePrefix configurationReference constrainedMaximumCapacity
    content createdAt createdBy createdByType createMode createOption customData dataDisks defaultAction
    defaultServiceTypeDeltaHealthPolicy defaultServiceTypeHealthPolicy deleteOption deltaHealthPolicy description
    diagnosticsProfile diagnosticsStorageAccountConfig diffDiskSettings disableAutomaticRollback
    disablePasswordAuthentication disableTcpStateTracking diskControllerType diskEncryptionSet diskIOPSReadWrite
    diskMBpsReadWrite diskSizeGB dnsServers dnsSettings domainNameLabel domainNameLabelScope
    doNotRunExtensionsOnOverprovisionedVMs durabilityLevel enable enableAcceleratedNetworking
    enableAutomaticOSUpgrade enableAutomaticUpdates enableAutomaticUpgrade enableCrossZoneUpgrade enabled
    enabledForDeployment enabledForDiskEncryption enabledForTemplateDeployment enableFpga enableHotpatching
    enableIPForwarding enablePurgeProtection enableRbacAuthorization enableSoftDelete enableVMAgentPlatformUpdates
    encryptionAtHost encryptionIdentity endPort environment ephemeralPorts etag eventGridAndResourceGraph
    eventStoreServiceEnabled evictionPolicy exactVersion excludeExtensions extendedLocation extensionProfile
    extensions extensionsTimeBudget fabricSettings family forceDeletion forceRestart forceUpdateTag
    galleryApplications gracePeriod hardwareProfile healthCheckRetryTimeout healthCheckStableDuration
    healthCheckWaitDuration healthPolicy healthProbe hibernationEnabled hostGroup hsmPoolResourceId
    httpGatewayEndpointPort id identity idleTimeoutInMinutes ignoreMissingVnetServiceEndpoint image imageReference
    imds infrastructureServiceManager inVMAccessControlProfileReferenceId ipConfigurations ipRules ipTags ipTagType
    isAdmin isEnabled isOverridable isPrimary isStateless keyData keyIncarnationId keys lastModifiedAt
    lastModifiedBy lastModifiedByType licenseType linuxConfiguration listeners loadBalancerBackendAddressPools
    loadBalancerInboundNatPools location lun managedDisk managementEndpoint maxBatchInstancePercent
    maxPercentDeltaUnhealthyApplications maxPercentDeltaUnhealthyNodes maxPercentDeltaUnhealthyServices
    maxPercentUnhealthyApplications maxPercentUnhealthyNodes maxPercentUnhealthyServices
    maxPercentUpgradeDomainDeltaUnhealthyNodes maxPrice maxSurge maxUnhealthyInstancePercent
    maxUnhealthyUpgradedInstancePercent maxUnusedVersionsToKeep mode multipleAvailabilityZones name networkAcls
    networkApiVersion networkInterfaceConfigurations networkProfile networkSecurityGroup nodeTypes notBeforeTimeout
    notificationCategory notificationChannel notificationLevel notifications notificationTargets objectId offer
    option orchestrationMode order osDisk osImageNotificationProfile osProfile osRollingUpgradeDeferral osType
    overprovision packageReferenceId parameters passName patchMode patchSettings path pauseTimeBetweenBatches
    permissions placement placementProperties plan platformFaultDomainCount primary principalId
    prioritizeUnhealthyInstances prioritizeUnhealthyVMs priority priorityMixPolicy privateEndpoint
    privateEndpointConnections privateIPAddressVersion privateLinkServiceConnectionState product promotionCode
    properties protectedAccountKeyName protectedAccountKeyName2 protectedSettings protectedSettingsFromKeyVault
    protocol provisionAfterExtensions provisioningState provisionVMAgent proximityPlacementGroup proxyAgentSettings
    publicIPAddressConfiguration publicIPAddressVersion publicIPPrefix publicKeys publicNetworkAccess publisher
    queueEndpoint rank rebalanceBehavior rebalanceStrategy rebootSetting receivers
    regularPriorityPercentageAboveBase reliabilityLevel repairAction requireGuestProvisionSignal resiliencyPolicy
    resilientVMCreationPolicy resilientVMDeletionPolicy restoreTimeout reverseProxyCertificate
    reverseProxyCertificateCommonNames reverseProxyEndpointPort rollbackFailedInstancesOnPolicyBreach
    rollingUpgradePolicy rules scaleInPolicy scheduledEventsAdditionalPublishingTargets scheduledEventsPolicy
    scheduledEventsProfile secrets secretUrl secureBootEnabled securityEncryptionType securityPostureReference
    securityProfile securityType serviceArtifactReference serviceTypeDeltaHealthPolicies serviceTypeHealthPolicies
    settingName settings sfZonalUpgradeMode sharedGalleryImageId singlePlacementGroup sku skuProfile
    softDeleteRetentionInDays sourceVault spotRestorePolicy ssh startPort status storage storageAccountName
    storageAccountType storageProfile storageUri subnet supportExpiryUtc suppressFailures systemData tableEndpoint
    tag tags tenantId terminateNotificationProfile thumbprint thumbprintSecondary tier timeCreated timeZone
    treatFailureAsDeploymentFailure type typeHandlerVersion uefiSettings ultraSSDEnabled uniqueId upgradeDescription
    upgradeDomainTimeout upgradeMode upgradePauseEndTimestampUtc upgradePauseStartTimestampUtc upgradePolicy
    upgradeReplicaSetCheckTimeout upgradeTimeout upgradeWave uri userAssignedIdentities
    userAssignedIdentityResourceId userData userInitiatedReboot userInitiatedRedeploy useRollingUpgradePolicy value
    vaultCertificates vaultUri vCPUsAvailable vCPUsPerCore version vhdContainers virtualMachineProfile
    virtualNetworkRules vmImage vmInstanceCount vmSizeProperties vmSizes vmssZonalUpgradeMode vTpmEnabled
    waveUpgradePaused windowsConfiguration winRM wireServer writeAcceleratorEnabled x509StoreName
    zonalPlatformFaultDomainAlignMode zoneBalance zones
"""

_SPELLED = {name.lower(): name for name in _NAMES.split()}
#: Below these the keys are somebody's own.
_FREE = frozenset(
    {"capacities", "placementProperties", "protectedSettings", "settings", "tags", "userAssignedIdentities"}
)


def respelled(body: Any) -> Any:
    """`body` with known names respelled; a copy where anything changes, values shared otherwise.

    A name that is there in two spellings keeps its last value, as a reader without regard to case would have it.
    """
    if isinstance(body, list):
        return [respelled(part) for part in body]
    if not isinstance(body, dict):
        return body
    found: dict[str, Any] = {}
    for key, part in body.items():
        name = str(_SPELLED.get(key.lower(), key))
        found[name] = part if name in _FREE else respelled(part)
    return found
