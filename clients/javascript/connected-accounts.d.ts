export class ConnectedAccounts extends HTMLElement {
    /** Every text that it shows. Change them for another language. */
    words: {
        connect: string;
        reconnect: string;
        disconnect: string;
        sure: string;
        active: string;
        partial: string;
        in_doubt: string;
        reauth_required: string;
        none: string;
        open: string;
        revoked: string;
        ended: string;
        popup_blocked: string;
        user_closed: string;
        access_denied: string;
        failed: string;
    };
    set offers(offers: Offer[]);
    /** The accounts that can be connected, in the order of the list. */
    get offers(): Offer[];
    set broker(broker: import("./broker.js").Broker | undefined);
    get broker(): import("./broker.js").Broker | undefined;
    /** Read the connections again and show them. */
    refresh: () => Promise<void>;
    #private;
}
export type Broker = import("./broker.js").Broker;
export type Connection = import("./broker.js").Connection;
export type BrokerError = import("./broker.js").BrokerError;
export type Offer = {
    provider: string;
    name: string;
    scope?: string;
};
