/** Attempts of the construct, as asked on standard input: prints what some raise, and writes the stacks of the others. */
import { readFileSync } from 'node:fs';
import { App, CfnOutput, CfnResource, Stack } from 'aws-cdk-lib';
import './documented';
import { TokenBroker, type TokenBrokerProps } from './token-broker';

interface Asked {
  readonly out: string;
  readonly outputs: string[];
  readonly raised: { stack: string; props: TokenBrokerProps }[];
  readonly made: Record<string, TokenBrokerProps>;
}

// @ts-expect-error: an editor refuses a name that no parameter has
export const unknown: TokenBrokerProps = { package: '', domainName: '', certificateArn: '', domain: '' };
// @ts-expect-error: and asks for what has no default
export const missing: TokenBrokerProps = { package: '', domainName: '' };

const asked: Asked = JSON.parse(readFileSync(0, 'utf8'));
const raised = asked.raised.map(({ stack, props }) => {
  try {
    const broker = new TokenBroker(new Stack(new App({ autoSynth: false }), stack), 'Broker', props);
    broker.resource('DomainRecord');
    return '';
  } catch (error) {
    return String(error);
  }
});
const app = new App({ outdir: asked.out });
const beside = new Stack(app, 'beside');
new CfnResource(beside, 'Something', { type: 'AWS::SNS::Topic' });
for (const [name, props] of Object.entries(asked.made)) {
  const broker = new TokenBroker(new Stack(app, name), 'Broker', props);
  // Another stack may use what this one tells.
  const told = broker as unknown as Record<string, string>;
  for (const output of asked.outputs) new CfnOutput(beside, `${name}${output}`, { value: String(told[output]) });
}
console.log(JSON.stringify(raised));
