/**
 * The part of CloudNativePG's `Cluster` that our manifests use, in the form in which `schemaFaults` checks them: names and
 * kinds of values are those of its custom resource definition, release 1.30.
 */
export interface ICluster {
  apiVersion: 'postgresql.cnpg.io/v1';
  kind: 'Cluster';
  metadata: { name: string; namespace?: string };
  spec: {
    instances: number;
    imageCatalogRef: {
      apiGroup: 'postgresql.cnpg.io';
      kind: 'ImageCatalog' | 'ClusterImageCatalog';
      name: string;
      major: number;
    };
    bootstrap: {
      initdb: {
        database: string;
        owner: string;
        secret: { name: string };
        encoding: string;
        localeProvider: string;
        builtinLocale: string;
        postInitApplicationSQLRefs: { configMapRefs: { name: string; key: string }[] };
      };
    };
    managed: { roles: { name: string; login: boolean; passwordSecret: { name: string } }[] };
    postgresql: {
      synchronous?: {
        method: 'any' | 'first';
        number: number;
        dataDurability?: 'required' | 'preferred';
        failoverQuorum?: boolean;
      };
      parameters: Record<string, string>;
    };
    affinity: { topologyKey: string };
    resources: { requests: Record<string, string>; limits: Record<string, string> };
    storage: { size: string; storageClass?: string };
    walStorage?: { size: string };
  };
}
