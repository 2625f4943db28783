//! Every operation has payloads that are proved: by the published cases, or by a message here.

use std::collections::HashSet;

use kmip::operations::OPERATIONS;
use kmip::registry::{Enumeration, Operation};
use kmip::{Limits, RequestMessage, ResponseMessage, text};

use crate::shared::{cases_dir, messages};

/// Payloads of the operations that no published case has, as XML: the operation, the version that has it, the
/// request's payload and the response's.
const PAYLOADS: &[(&str, &str, &str, &str)] = &[
    (
        "Validate",
        "1.4",
        r#"<Certificate><CertificateType type="Enumeration" value="X_509"/>
           <CertificateValue type="ByteString" value="3082"/></Certificate>
           <UniqueIdentifier type="TextString" value="1"/>
           <ValidityDate type="DateTime" value="2020-01-01T00:00:00Z"/>"#,
        r#"<ValidityIndicator type="Enumeration" value="Unknown"/>"#,
    ),
    (
        "Login",
        "2.0",
        r#"<LeaseTime type="DateTime" value="2020-01-01T00:00:00Z"/><RequestCount type="Integer" value="9"/>
           <UsageLimits><UsageLimitsTotal type="LongInteger" value="5"/>
           <UsageLimitsUnit type="Enumeration" value="Object"/></UsageLimits>"#,
        r#"<Ticket><TicketType type="Enumeration" value="Login"/>
           <TicketValue type="ByteString" value="0102"/></Ticket>"#,
    ),
    (
        "Logout",
        "2.0",
        r#"<Ticket><TicketType type="Enumeration" value="Login"/>
           <TicketValue type="ByteString" value="0102"/></Ticket>"#,
        "",
    ),
    (
        "DelegatedLogin",
        "2.1",
        r#"<LeaseTime type="Interval" value="60"/><Rights><Right>
           <Operations><Operation type="Enumeration" value="Get"/></Operations>
           <Objects><UniqueIdentifier type="TextString" value="1"/></Objects>
           <ObjectGroups><ObjectGroup type="TextString" value="g"/></ObjectGroups></Right></Rights>"#,
        r#"<Ticket><TicketType type="Enumeration" value="Login"/>
           <TicketValue type="ByteString" value="0102"/></Ticket>"#,
    ),
    (
        "ReProvision",
        "2.0",
        r#"<CertificateRequest><CertificateRequestType type="Enumeration" value="PKCS_10"/>
           <CertificateRequestValue type="ByteString" value="3082"/></CertificateRequest>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/>"#,
    ),
    (
        "SetDefaults",
        "2.1",
        r#"<DefaultsInformation><ObjectDefaults><ObjectType type="Enumeration" value="SymmetricKey"/>
           <Attributes><CryptographicLength type="Integer" value="256"/></Attributes></ObjectDefaults>
           </DefaultsInformation>"#,
        "",
    ),
    (
        "SetConstraints",
        "2.1",
        r#"<Constraints><Constraint><ObjectTypes><ObjectType type="Enumeration" value="SymmetricKey"/></ObjectTypes>
           <Attributes><CryptographicAlgorithm type="Enumeration" value="AES"/></Attributes></Constraint>
           </Constraints>"#,
        "",
    ),
    (
        "GetConstraints",
        "2.1",
        "",
        r#"<Constraints><Constraint>
           <Attributes><RotateName><RotateNameValue type="TextString" value="r"/>
           <RotateNameType type="Enumeration" value="UninterpretedTextString"/></RotateName></Attributes></Constraint>
           </Constraints>"#,
    ),
    (
        "QueryAsynchronousRequests",
        "2.1",
        r#"<AsynchronousCorrelationValues><AsynchronousCorrelationValue type="ByteString" value="01"/>
           </AsynchronousCorrelationValues>
           <Operations><Operation type="Enumeration" value="CreateKeyPair"/></Operations>"#,
        r#"<AsynchronousRequest><AsynchronousCorrelationValue type="ByteString" value="01"/>
           <Operation type="Enumeration" value="CreateKeyPair"/>
           <SubmissionDate type="DateTimeExtended" value="2020-01-01T00:00:00.5Z"/>
           <ProcessingStage type="Enumeration" value="InProcess"/></AsynchronousRequest>"#,
    ),
    (
        "AdjustAttribute",
        "2.0",
        r#"<UniqueIdentifier type="TextString" value="1"/>
           <AttributeReference type="Enumeration" value="CryptographicLength"/>
           <AdjustmentType type="Enumeration" value="Increment"/><AdjustmentValue type="Integer" value="2"/>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/>"#,
    ),
    (
        "SetAttribute",
        "2.0",
        r#"<UniqueIdentifier type="TextString" value="1"/>
           <NewAttribute><Attribute><VendorIdentification type="TextString" value="acme"/>
           <AttributeName type="TextString" value="n"/><AttributeValue type="Boolean" value="true"/></Attribute>
           </NewAttribute>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/>"#,
    ),
    (
        "SetEndpointRole",
        "2.0",
        r#"<EndpointRole type="Enumeration" value="Server"/>"#,
        r#"<EndpointRole type="Enumeration" value="Server"/>"#,
    ),
    (
        "Interop",
        "2.0",
        r#"<InteropFunction type="Enumeration" value="Begin"/><InteropIdentifier type="TextString" value="t"/>"#,
        "",
    ),
    (
        "Log",
        "2.0",
        r#"<LogMessage type="TextString" value="m"/>"#,
        "",
    ),
    (
        "Import",
        "1.4",
        r#"<UniqueIdentifier type="TextString" value="1"/><ObjectType type="Enumeration" value="PublicKey"/>
           <ReplaceExisting type="Boolean" value="true"/><KeyWrapType type="Enumeration" value="NotWrapped"/>
           <Attribute><AttributeName type="TextString" value="State"/><AttributeIndex type="Integer" value="0"/>
           <AttributeValue type="Enumeration" value="Active"/></Attribute>
           <PublicKey><KeyBlock><KeyFormatType type="Enumeration" value="TransparentECPublicKey"/>
           <KeyValue><KeyMaterial><RecommendedCurve type="Enumeration" value="P_256"/>
           <QString type="ByteString" value="04"/></KeyMaterial></KeyValue>
           <CryptographicAlgorithm type="Enumeration" value="EC"/></KeyBlock></PublicKey>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/>"#,
    ),
    (
        "Export",
        "2.1",
        r#"<UniqueIdentifier type="TextString" value="1"/><KeyFormatType type="Enumeration" value="Raw"/>
           <KeyWrappingSpecification><WrappingMethod type="Enumeration" value="Encrypt"/>
           <EncryptionKeyInformation><UniqueIdentifier type="TextString" value="2"/></EncryptionKeyInformation>
           <AttributeReference type="Enumeration" value="State"/>
           <EncodingOption type="Enumeration" value="TTLVEncoding"/></KeyWrappingSpecification>"#,
        r#"<ObjectType type="Enumeration" value="SymmetricKey"/><UniqueIdentifier type="TextString" value="1"/>
           <Attributes><State type="Enumeration" value="Active"/>
           <TTLV tag="0x540001" type="Integer" value="1"/></Attributes>
           <SymmetricKey><KeyBlock><KeyFormatType type="Enumeration" value="Raw"/>
           <KeyValue type="ByteString" value="0011"/><KeyWrappingData>
           <WrappingMethod type="Enumeration" value="Encrypt"/></KeyWrappingData></KeyBlock></SymmetricKey>"#,
    ),
    (
        "Process",
        "2.1",
        r#"<AsynchronousCorrelationValue type="ByteString" value="01"/>"#,
        "",
    ),
    ("Ping", "2.1", "", ""),
    (
        "DeriveKey",
        "2.1",
        r#"<ObjectType type="Enumeration" value="SymmetricKey"/>
           <UniqueIdentifier type="TextString" value="1"/><UniqueIdentifier type="Enumeration" value="Locate"/>
           <DerivationMethod type="Enumeration" value="HKDF"/>
           <DerivationParameters><CryptographicParameters>
           <HashingAlgorithm type="Enumeration" value="SHA_256"/></CryptographicParameters>
           <DerivationData type="ByteString" value="01"/><Salt type="ByteString" value="02"/>
           <IterationCount type="Integer" value="3"/></DerivationParameters>
           <Attributes><CryptographicLength type="Integer" value="128"/></Attributes>"#,
        r#"<UniqueIdentifier type="TextString" value="2"/>"#,
    ),
    (
        "Certify",
        "2.1",
        r#"<UniqueIdentifier type="TextString" value="1"/>
           <CertificateRequestUniqueIdentifier type="TextString" value="2"/>
           <CertificateRequestType type="Enumeration" value="PEM"/>
           <CertificateRequestValue type="ByteString" value="00"/>
           <Attributes><CertificateSubjectCN type="TextString" value="cn"/></Attributes>
           <ProtectionStorageMasks><ProtectionStorageMask type="Integer" value="Hardware OnSystem"/>
           <ProtectionStorageMask type="Integer" value="Software"/></ProtectionStorageMasks>"#,
        r#"<UniqueIdentifier type="TextString" value="3"/>"#,
    ),
    (
        "CreateSplitKey",
        "2.1",
        r#"<ObjectType type="Enumeration" value="SymmetricKey"/><UniqueIdentifier type="Integer" value="-1"/>
           <SplitKeyParts type="Integer" value="3"/><SplitKeyThreshold type="Integer" value="2"/>
           <SplitKeyMethod type="Enumeration" value="PolynomialSharingPrimeField"/>
           <PrimeFieldSize type="BigInteger" value="00000000000000fb"/><Attributes/>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/><UniqueIdentifier type="TextString" value="2"/>
           <UniqueIdentifier type="TextString" value="3"/>"#,
    ),
    (
        "Encrypt",
        "2.1",
        r#"<UniqueIdentifier type="TextString" value="1"/><Data type="Enumeration" value="RNGRetrieve"/>
           <CorrelationValue type="ByteString" value="01"/><InitIndicator type="Boolean" value="true"/>
           <FinalIndicator type="Boolean" value="false"/>"#,
        r#"<UniqueIdentifier type="TextString" value="1"/><Data type="ByteString" value="00"/>"#,
    ),
    (
        "Query",
        "2.1",
        r#"<QueryFunction type="Enumeration" value="QueryDefaultsInformation"/>"#,
        r#"<VendorIdentification type="TextString" value="v"/>
           <ServerInformation><ServerName type="TextString" value="s"/>
           <AlternateFailoverEndpoints type="TextString" value="a:1"/>
           <TTLV tag="0x540001" type="Integer" value="7"/></ServerInformation>
           <ExtensionInformation><ExtensionName type="TextString" value="e"/>
           <ExtensionTag type="Integer" value="5505025"/></ExtensionInformation>
           <ProfileInformation><ProfileName type="Enumeration" value="BaselineServer"/>
           <ProfileVersion><ProfileVersionMajor type="Integer" value="2"/>
           <ProfileVersionMinor type="Integer" value="1"/></ProfileVersion></ProfileInformation>
           <ValidationInformation><ValidationAuthorityType type="Enumeration" value="NISTCMVP"/>
           <ValidationVersionMajor type="Integer" value="140"/><ValidationType type="Enumeration" value="Hybrid"/>
           <ValidationLevel type="Integer" value="3"/></ValidationInformation>
           <CapabilityInformation><StreamingCapability type="Boolean" value="true"/>
           <QuantumSafeCapability type="Boolean" value="false"/></CapabilityInformation>
           <DefaultsInformation><ObjectDefaults><ObjectTypes><ObjectType type="Enumeration" value="SymmetricKey"/>
           </ObjectTypes><Attributes/></ObjectDefaults></DefaultsInformation>"#,
    ),
    (
        "Notify",
        "2.1",
        r#"<UniqueIdentifier type="TextString" value="1"/>
           <Attributes><State type="Enumeration" value="Active"/></Attributes>
           <AttributeReference type="Enumeration" value="Name"/>
           <AttributeReference><VendorIdentification type="TextString" value="x"/>
           <AttributeName type="TextString" value="Purpose"/></AttributeReference>"#,
        "",
    ),
];

fn request(operation: &str, version: &str, payload: &str) -> String {
    let (major, minor) = version.split_once('.').expect("a version");
    format!(
        r#"<RequestMessage><RequestHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="{major}"/><ProtocolVersionMinor type="Integer" value="{minor}"/>
        </ProtocolVersion><BatchCount type="Integer" value="1"/></RequestHeader>
        <BatchItem><Operation type="Enumeration" value="{operation}"/>
        <RequestPayload>{payload}</RequestPayload></BatchItem></RequestMessage>"#
    )
}

fn response(operation: &str, version: &str, payload: &str) -> String {
    let (major, minor) = version.split_once('.').expect("a version");
    format!(
        r#"<ResponseMessage><ResponseHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="{major}"/><ProtocolVersionMinor type="Integer" value="{minor}"/>
        </ProtocolVersion><TimeStamp type="DateTime" value="2020-01-01T00:00:00Z"/>
        <BatchCount type="Integer" value="1"/></ResponseHeader>
        <BatchItem><Operation type="Enumeration" value="{operation}"/>
        <ResultStatus type="Enumeration" value="Success"/>
        <ResponsePayload>{payload}</ResponsePayload></BatchItem></ResponseMessage>"#
    )
}

#[test]
fn payloads_come_back_byte_for_byte() {
    for (operation, version, asked, answered) in PAYLOADS {
        let ttlv = text::xml::to_ttlv(&request(operation, version, asked), &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        let message = RequestMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a request");
        assert_eq!(
            message.batch_items[0]
                .payload
                .operation()
                .map(|o| o.to_string())
                .as_deref(),
            Some(*operation)
        );
        let encoded = message
            .encode()
            .unwrap_or_else(|error| panic!("{operation}: {error} in {message:?}"));
        assert_eq!(encoded.as_slice(), ttlv.as_slice(), "{message:#?}");

        let ttlv = text::xml::to_ttlv(&response(operation, version, answered), &Limits::DEFAULT)
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        let message =
            ResponseMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a response");
        let encoded = message
            .encode()
            .unwrap_or_else(|error| panic!("{operation}: {error} in {message:?}"));
        assert_eq!(encoded.as_slice(), ttlv.as_slice(), "{message:#?}");
    }
}

/// Every operation of the registry has types, and each is proved by the cases or here.
#[test]
fn every_operation_is_proved() {
    let registered: HashSet<Operation> = OPERATIONS.iter().copied().collect();
    for entry in Operation::ENTRIES {
        assert!(
            registered.contains(&Operation::from_code(entry.code)),
            "{} has no types",
            entry.name
        );
    }
    if cases_dir().is_none() {
        return;
    }
    let mut proved: HashSet<Operation> = PAYLOADS
        .iter()
        .filter_map(|(operation, ..)| Operation::from_name(operation))
        .collect();
    for message in messages()
        .unwrap_or_default()
        .iter()
        .filter(|message| message.is_request)
    {
        let ttlv = text::xml::to_ttlv(&message.xml, &Limits::DEFAULT).expect("a case");
        let request = RequestMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a case");
        proved.extend(
            request
                .batch_items
                .iter()
                .filter_map(|item| item.payload.operation()),
        );
    }
    let mut missing: Vec<String> = registered
        .difference(&proved)
        .map(ToString::to_string)
        .collect();
    missing.sort();
    assert!(missing.is_empty(), "no message proves {missing:?}");
}
