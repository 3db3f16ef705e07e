/**
 * Token Broker in a stack of yours, out of what `python3 dev.py package` wrote: the zip, and the template beside it.
 *
 * The template is taken as it is, each resource under its own logical id. What stands here are the names of its
 * parameters and outputs, for an editor to know; a test holds them equal. CDK's own CfnInclude would refuse the
 * template, which names what only the SAM transform will make (`RestAPI.Stage`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { CfnOutput, CfnResource, Stack, Token, Validations } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { decide, fill, type Fields, type Json, type Known, type Value } from './fill';

export interface TokenBrokerProps {
  /** The zip that `dev.py package` wrote; the template lies beside it, under the same name */
  readonly package: string;
  /** The host of the issuer; https:// and this name are the issuer */
  readonly domainName: string;
  /** A certificate of that name in ACM, in the region of this stack */
  readonly certificateArn: string;
  /** The Route 53 zone in which the name gets its record; empty where the record is made elsewhere */
  readonly hostedZoneId?: string;
  /** An SNS topic that hears of each alarm; empty: the console alone shows them */
  readonly alarmTopicArn?: string;
  /** Where this repository is read, with a slash at the end; each alarm links its page there */
  readonly runbooksAt?: string;
  /** What the API takes of all callers together; more is answered with 429 by the gateway */
  readonly requestsPerSecond?: number;
  /** How many of them may come at one moment */
  readonly requestsAtOnce?: number;
  /** The name of this deployment: of its tables, its key's alias, its metrics, and in the key's encryption context */
  readonly deployment?: string;
  /** DISABLED in every region but one of those that share their tables (docs/regions.md) */
  readonly schedules?: string;
  /** false for a stack whose key was made without it: KMS cannot change it, and the update fails */
  readonly multiRegionKey?: string;
}

interface Parameter {
  readonly Default?: Value;
  readonly AllowedPattern?: string;
  readonly MinValue?: number;
}

interface Template {
  readonly Transform: string;
  readonly Parameters: Record<string, Parameter>;
  readonly Conditions: Record<string, Json>;
  readonly Resources: Record<string, Fields & { Type: string; Properties: Fields }>;
  readonly Outputs: Record<string, { Value: Json; Description?: string }>;
}

export class TokenBroker extends Construct {
  readonly issuer!: string;
  /** What the DNS record of the issuer's host has to name */
  readonly domainTarget!: string;
  /** The role to take before `broker ...` */
  readonly operatorRoleArn!: string;
  readonly apiHandlerArn!: string;
  readonly apiHandlerName!: string;
  readonly jobsArn!: string;
  readonly keysArn!: string;
  readonly tableName!: string;
  readonly keysTableName!: string;
  readonly keyArn!: string;
  readonly restAPIId!: string;
  readonly endpointURL!: string;

  private readonly resources = new Map<string, CfnResource>();

  constructor(scope: Construct, id: string, props: TokenBrokerProps) {
    super(scope, id);
    checkStackName(Stack.of(this).stackName);
    const template = readTemplate(props.package);
    const known = readParameters(template, props);
    Stack.of(this).addTransform(template.Transform);
    this.addResources(template, known, new Asset(this, 'Package', { path: props.package }));
    this.addOutputs(template, known);
    const reason = 'RestAPI.Stage is what the SAM transform makes of RestAPI';
    Validations.of(this.resource('DomainMapping')).acknowledge({ id: 'CloudFormation-Validate::F1020', reason });
  }

  /** A resource of the template, for what you want to add to it. Raises where there is none. */
  resource(logicalId: string): CfnResource {
    const found = this.resources.get(logicalId);
    if (!found) throw new Error(`There is no ${logicalId} among ${[...this.resources.keys()].join(', ')}`);
    return found;
  }

  private addResources(template: Template, known: Known, code: Asset) {
    const place = { Bucket: code.s3BucketName, Key: code.s3ObjectKey };
    for (const [name, { Type, Properties, Condition, ...others }] of Object.entries(template.Resources)) {
      if (typeof Condition === 'string' && !known.holds(Condition)) continue;
      const properties = fill(Properties, known) as Fields;
      const ofFunctions = Type === 'AWS::Serverless::Function' ? { CodeUri: place } : {};
      const resource = new CfnResource(this, name, { type: Type, properties: { ...properties, ...ofFunctions } });
      resource.overrideLogicalId(name);
      for (const [attribute, value] of Object.entries(others)) resource.addOverride(attribute, fill(value, known));
      this.resources.set(name, resource);
    }
  }

  /** Values are tokens of resources, so that another stack may use them too. */
  private addOutputs(template: Template, known: Known) {
    const value = (name: string) => {
      const [logicalId = '', attribute] = name.split('.');
      const resource = this.resources.get(logicalId);
      return known.value(name) ?? (attribute ? resource?.getAtt(attribute).toString() : resource?.ref);
    };
    for (const [name, { Value, Description }] of Object.entries(template.Outputs)) {
      const filled = Token.asString(fill(Value, { ...known, value }));
      const output = new CfnOutput(this, name, { value: filled });
      output.description = Description;
      output.overrideLogicalId(name);
      Object.assign(this, { [camel(name)]: filled });
    }
  }
}

/** Raises for a stack whose logs the operator's commands would not find; one inside of another is named by CloudFormation. */
function checkStackName(name: string) {
  if (!Token.isUnresolved(name) && !name.startsWith('token-broker')) {
    throw new Error(`The stack's name has to begin with token-broker, not be ${name}: the operator's commands look for logs of that name`);
  }
}

function readTemplate(zip: string): Template {
  const file = zip.replace(/\.zip$/, '.json');
  if (file === zip || !existsSync(zip) || !existsSync(file)) {
    throw new Error(`${zip} is no zip with a template of its name beside it: run python3 dev.py package in Token Broker's repository, and name its dist/token-broker-arm64.zip`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Every parameter's value, its default where none is given, and what the template's conditions make of them. */
function readParameters({ Parameters, Conditions }: Template, props: TokenBrokerProps): Known {
  const { package: zip, ...given } = props;
  const names = Object.keys(Parameters).map(camel);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new Error(`The template beside ${zip} takes no ${name}; it takes ${names.join(', ')}`);
  }
  const values: Record<string, Value> = {};
  for (const [name, parameter] of Object.entries(Parameters)) {
    values[name] = checkValue(camel(name), given[camel(name) as keyof typeof given] ?? parameter.Default, parameter);
  }
  const value = (name: string): Value | undefined => values[name];
  const holds = (condition: string): boolean => decide(fill(Conditions[condition] as Json, { value, holds }));
  return { value, holds };
}

function checkValue(name: string, value: Value | undefined, { AllowedPattern, MinValue }: Parameter): Value {
  if (value === undefined) throw new Error(`${name} is missing, and has no default`);
  if (Token.isUnresolved(value)) return value;
  if (AllowedPattern && !new RegExp(AllowedPattern).test(String(value))) {
    throw new Error(`${name} is ${JSON.stringify(value)}, and has to match ${AllowedPattern}`);
  }
  if (MinValue !== undefined && !(Number(value) >= MinValue)) throw new Error(`${name} is ${value}, and has to be at least ${MinValue}`);
  return value;
}

/** `APIHandlerArn` as `apiHandlerArn`. */
function camel(name: string): string {
  return name.replace(/^([A-Z]+(?=[A-Z][a-z])|[A-Z])/, (start) => start.toLowerCase());
}
